; What NSIS's installer does besides copying files. It takes options for the service:
;   udpecho-VERSION-windows-x86_64.exe /S /OPTIONS="--listen=*:7 --open-firewall"
; An upgrade without /OPTIONS takes those of the last installation, and without /D= its directory,
; which the script of CPack writes down.
!include FileFunc.nsh
!include WordFunc.nsh

InstallDirRegKey HKLM Software\udpecho\udpecho ""

Var InstalledVersion ; "" if none is
Var LastOptions
Var Options

; Sets $0 to what it ended with, "error" if it did not start.
!macro Run COMMAND
  nsExec::ExecToLog `${COMMAND}`
  Pop $0
!macroend

!macro StartWith OPTIONS
  !insertmacro Run '"$INSTDIR\bin\udpechod.exe" --install-service ${OPTIONS}'
  ${If} $0 == 0
    !insertmacro Run '"$SYSDIR\sc.exe" start udpechod'
  ${EndIf}
!macroend

!macro RemoveService
  !insertmacro Run '"$INSTDIR\bin\udpechod.exe" --uninstall-service'
!macroend

; Leaves nothing behind of the directory that the script of CPack has made, if it is empty. One that
; is in use cannot be removed.
!macro Refuse REASON
  SetOutPath $TEMP
  RMDir $INSTDIR
  Abort `${REASON}`
!macroend

; Everything that can be known to be wrong, while nothing is changed yet but for the directory.
!macro Check
  ReadRegStr $InstalledVersion HKLM \
    Software\Microsoft\Windows\CurrentVersion\Uninstall\udpecho DisplayVersion
  ReadRegStr $LastOptions HKLM Software\udpecho ServiceOptions
  StrCpy $Options $LastOptions
  ${GetParameters} $0
  ClearErrors
  ${GetOptions} $0 /OPTIONS= $1
  ${IfNot} ${Errors}
    StrCpy $Options $1
  ${EndIf}
  ${VersionCompare} "$InstalledVersion" "${VERSION}" $1
  ${If} $InstalledVersion != ""
  ${AndIf} $1 == 1
    !insertmacro Refuse "A later version of udpecho is installed: $InstalledVersion"
  ${EndIf}
  !insertmacro Run '"$SYSDIR\sc.exe" query udpechod'
  ${If} $InstalledVersion == ""
  ${AndIf} $0 == 0
    !insertmacro Refuse "Something else has installed the service udpechod"
  ${EndIf}
  InitPluginsDir
  File "/oname=$PLUGINSDIR\udpechod.exe" "${INST_DIR}\bin\udpechod.exe"
  !insertmacro Run '"$PLUGINSDIR\udpechod.exe" --check-config --install-service $Options'
  ${If} $0 != 0
    !insertmacro Refuse "The service cannot be installed with these options: $Options"
  ${EndIf}
!macroend

; Programs are not replaced while they run. There may be no service, and no program, yet.
!macro BeforeFiles
  !insertmacro Check
  !insertmacro RemoveService
!macroend

; What was not installed before is removed again; else the service gets back the options it had.
!macro AfterFiles
  !insertmacro StartWith $Options
  ${If} $0 != 0
    !insertmacro RemoveService
    ${If} $InstalledVersion == ""
      SetOutPath $TEMP
      ExecWait '"$INSTDIR\Uninstall.exe" /S _?=$INSTDIR'
      Delete $INSTDIR\Uninstall.exe ; which has run in place of a copy of itself
    ${Else}
      !insertmacro StartWith $LastOptions
    ${EndIf}
    !insertmacro Refuse "The service does not start with these options: $Options"
  ${EndIf}
  WriteRegStr HKLM Software\udpecho ServiceOptions $Options
!macroend

!macro RemoveAll
  !insertmacro RemoveService
  DeleteRegKey HKLM Software\udpecho
!macroend
