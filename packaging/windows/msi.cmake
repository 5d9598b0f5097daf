# Called by CPack: makes the MSI of what it has staged.
set(msi ${CPACK_PACKAGE_DIRECTORY}/${CPACK_PACKAGE_FILE_NAME}.msi)

# Fails on complaints too: wixl ends with 0 after what it calls critical.
function(run)
    execute_process(COMMAND ${ARGN} WORKING_DIRECTORY ${CPACK_TEMPORARY_DIRECTORY}
                    RESULT_VARIABLE failure ERROR_VARIABLE complaints)
    if(failure OR complaints)
        message(FATAL_ERROR "${ARGN}: ${failure}\n${complaints}")
    endif()
endfunction()

run(${CPACK_UDPECHO_WIXL} --arch x64 -D version=${CPACK_PACKAGE_VERSION}
    -D windows_min=${CPACK_UDPECHO_WINDOWS_MIN} --output ${msi}
    ${CMAKE_CURRENT_LIST_DIR}/udpecho.wxs)

# What wixl 0.101 cannot be told, by the names of Microsoft's "Installer Database Reference". Both
# programs are on the path of all users ("*"), last ("[~];" before), until they are removed ("-").
# 3410 is a program of this package (18) that runs on rollback (1024 + 256) as the system (2048),
# whatever it returns (64). 3170 is one of the directory in its place (34), that runs when it is
# installed: a watcher that was there is started again, but not one that has no targets yet.
run(${CPACK_UDPECHO_MSIBUILD} ${msi} -q
    "CREATE TABLE `Environment` (`Environment` CHAR(72) NOT NULL, \
        `Name` CHAR(255) NOT NULL LOCALIZABLE, `Value` CHAR(255) LOCALIZABLE, \
        `Component_` CHAR(72) NOT NULL PRIMARY KEY `Environment`)"
    "INSERT INTO `Environment` (`Environment`, `Name`, `Value`, `Component_`) \
        VALUES ('Path', '=-*PATH', '[~]\\;[BINDIR]', 'Client')"
    "UPDATE `CustomAction` SET `Type` = 3410 WHERE `Action` = 'UndoInstallService'"
    "UPDATE `CustomAction` SET `Type` = 3410 WHERE `Action` = 'UndoChangeService'"
    "UPDATE `CustomAction` SET `Type` = 3410 WHERE `Action` = 'UndoRemoveService'"
    "UPDATE `CustomAction` SET `Type` = 3410 WHERE `Action` = 'UndoInstallWatch'"
    "UPDATE `CustomAction` SET `Type` = 3410 WHERE `Action` = 'UndoRemoveWatch'"
    "CREATE TABLE `Condition` (`Feature_` CHAR(38) NOT NULL, `Level` SHORT NOT NULL, \
        `Condition` CHAR(255) PRIMARY KEY `Feature_`, `Level`)"
    "INSERT INTO `Condition` (`Feature_`, `Level`, `Condition`) \
        VALUES ('Watch', 1, 'LAST_WATCH_COMMAND')"
    "INSERT INTO `Directory` (`Directory`, `Directory_Parent`, `DefaultDir`) \
        VALUES ('System64Folder', 'TARGETDIR', '.')"
    "INSERT INTO `CustomAction` (`Action`, `Type`, `Source`, `Target`) VALUES ('StartWatch', 3170, \
        'System64Folder', '\"[System64Folder]sc.exe\" start udpecho-watch')"
    "INSERT INTO `InstallExecuteSequence` (`Action`, `Condition`, `Sequence`) \
        VALUES ('StartWatch', 'NOT REMOVE=\"ALL\" AND LAST_WATCH_COMMAND', 5910)")

set(CPACK_EXTERNAL_BUILT_PACKAGES ${msi})
