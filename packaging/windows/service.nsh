; What NSIS's installer does besides copying files. It takes options for the service:
;   udpecho-VERSION-windows-x86_64.exe /S /OPTIONS="--listen=*:7 --open-firewall"
; With /WATCH it makes the service udpecho-watch too, and does not start it: it has no targets yet. An
; upgrade keeps that service as it is.
; An upgrade without /OPTIONS leaves those that the service has, on its command line, and without /D=
; takes the directory of last time, which the script of CPack writes down.
!include FileFunc.nsh
!include WordFunc.nsh

InstallDirRegKey HKLM Software\udpecho\udpecho ""

Var InstalledVersion ; "" if none is
Var LastCommand ; of the service; "" if there is none
Var LastWatchCommand ; the same of udpecho-watch
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

; It is none of the reasons to fail, since what there is works without.
!macro InstallWatch
  ${GetParameters} $0
  ClearErrors
  ${GetOptions} $0 /WATCH $1
  ${IfNot} ${Errors}
  ${OrIf} $LastWatchCommand != ""
    !insertmacro Run '"$INSTDIR\bin\udpecho.exe" --install-service'
  ${EndIf}
  ${If} $LastWatchCommand != ""
    !insertmacro Run '"$SYSDIR\sc.exe" start udpecho-watch'
  ${EndIf}
!macroend

!macro RemoveService
  !insertmacro Run '"$INSTDIR\bin\udpechod.exe" --uninstall-service'
!macroend

; Windows replaces no program whose process lives, a moment longer than its service.
!macro StopService NAME PROGRAM
  !insertmacro Run '"$SYSDIR\net.exe" stop ${NAME}'
  ${For} $1 1 300
    ClearErrors
    FileOpen $0 "$INSTDIR\bin\${PROGRAM}.exe" a
    ${IfNot} ${Errors}
      FileClose $0
      ${Break}
    ${EndIf}
    Sleep 100
  ${Next}
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
  ; 0 before Windows 10, which has no such value
  ReadRegDWORD $0 HKLM "Software\Microsoft\Windows NT\CurrentVersion" CurrentMajorVersionNumber
  ${If} $0 < ${WINDOWS_MIN}
    !insertmacro Refuse "udpecho needs Windows ${WINDOWS_MIN}, Windows Server 2016 or a later Windows"
  ${EndIf}
  ReadRegStr $InstalledVersion HKLM \
    Software\Microsoft\Windows\CurrentVersion\Uninstall\udpecho DisplayVersion
  ReadRegStr $LastCommand HKLM System\CurrentControlSet\Services\udpechod ImagePath
  ReadRegStr $LastWatchCommand HKLM System\CurrentControlSet\Services\udpecho-watch ImagePath
  ${GetParameters} $0
  ${GetOptions} $0 /OPTIONS= $Options
  ${VersionCompare} "$InstalledVersion" "${VERSION}" $1
  ${If} $InstalledVersion != ""
  ${AndIf} $1 == 1
    !insertmacro Refuse "A later version of udpecho is installed: $InstalledVersion"
  ${EndIf}
  ${If} $InstalledVersion == ""
  ${AndIf} $LastCommand != ""
    !insertmacro Refuse "Something else has installed the service udpechod"
  ${EndIf}
  InitPluginsDir
  File "/oname=$PLUGINSDIR\udpechod.exe" "${INST_DIR}\bin\udpechod.exe"
  !insertmacro Run '"$PLUGINSDIR\udpechod.exe" --check-config --install-service $Options'
  ${If} $0 != 0
    !insertmacro Refuse "The service cannot be installed with these options: $Options"
  ${EndIf}
!macroend

!macro BeforeFiles
  !insertmacro Check
  ${If} $LastCommand != ""
    !insertmacro StopService udpechod udpechod
  ${EndIf}
  ${If} $LastWatchCommand != ""
    !insertmacro StopService udpecho-watch udpecho
  ${EndIf}
!macroend

; What was not installed before is removed again; else the service gets back what it had.
!macro AfterFiles
  !insertmacro StartWith $Options
  ${If} $0 != 0
    ${If} $LastCommand == ""
      !insertmacro RemoveService
    ${Else}
      !insertmacro StartWith $LastCommand
    ${EndIf}
    ${If} $InstalledVersion == ""
      SetOutPath $TEMP
      ExecWait '"$INSTDIR\Uninstall.exe" /S _?=$INSTDIR'
      Delete $INSTDIR\Uninstall.exe ; which has run in place of a copy of itself
    ${EndIf}
    !insertmacro Refuse "The service does not start with these options: $Options"
  ${EndIf}
  !insertmacro InstallWatch
!macroend

!macro RemoveAll
  !insertmacro RemoveService
  !insertmacro Run '"$INSTDIR\bin\udpecho.exe" --uninstall-service'
  DeleteRegKey HKLM Software\udpecho
!macroend
