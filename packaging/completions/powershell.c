#include "completion.h"

static void write_powershell_values(FILE *out, const option_t *table)
{
    fputs("    $values = @{\n", out);
    for (const option_t *option = table; option->name != NULL; option++) {
        if (value_sort(option) == VALUE_WORDS) {
            fprintf(out, "        '--%s' = '", option->name);
            write_words(out, option);
            fputs("'.Split(' ')\n", out);
        }
    }
    fputs("    }\n", out);
}

/* Without letters: to the keys of a table, -v and -V are the same. */
static void write_powershell_options(FILE *out, const option_t *table)
{
    fputs("    $options = [ordered]@{\n", out);
    for (const option_t *option = table; option->name != NULL; option++) {
        fprintf(out, "        '--%s%s' = '", option->name,
                value_sort(option) == VALUE_NONE || option->bare != NULL ? "" : "=");
        write_description(out, option, "", "''");
        fputs("'\n", out);
    }
    fputs("    }\n", out);
}

/* What is offered for a word is offered whole, with the option before the value. */
void write_powershell(FILE *out, const program_t *program)
{
    fprintf(out,
            "# For $PROFILE: . 'FOLDER\\%s.ps1'\n"
            "Register-ArgumentCompleter -Native -CommandName %s, %s.exe -ScriptBlock {\n"
            "    param($word)\n",
            program->name, program->name, program->name);
    write_powershell_values(out, program->table);
    write_powershell_options(out, program->table);
    fputs("    $option, $begun = \"$word\".Split('=', 2)\n"
          "    if ($null -ne $begun -and $values.ContainsKey($option)) {\n"
          "        foreach ($value in $values[$option]) {\n"
          "            if ($value.StartsWith($begun)) {\n"
          "                [System.Management.Automation.CompletionResult]::new(\n"
          "                    \"$option=$value\", $value, 'ParameterValue', $value)\n"
          "            }\n"
          "        }\n"
          "    } elseif ($null -eq $begun) {\n"
          "        foreach ($name in $options.Keys) {\n"
          "            if ($name.StartsWith(\"$word\")) {\n"
          "                [System.Management.Automation.CompletionResult]::new(\n"
          "                    $name, $name, 'ParameterName', $options[$name])\n"
          "            }\n"
          "        }\n"
          "    }\n"
          "}\n",
          out);
}
