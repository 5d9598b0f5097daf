; What NSIS's installer does besides copying files. It takes options for the service:
;   udpecho-VERSION-windows-x86_64.exe /S /OPTIONS="--listen=*:7 --open-firewall"
; An upgrade without /OPTIONS takes those of the last installation.
!include FileFunc.nsh

!macro Require COMMAND
  nsExec::ExecToLog `${COMMAND}`
  Pop $0
  ${If} $0 != 0
    Abort `This fails: ${COMMAND}`
  ${EndIf}
!macroend

; Programs are not replaced while they run. There may be no service, and no program, yet.
!macro RemoveService
  nsExec::ExecToLog '"$INSTDIR\bin\udpechod.exe" --uninstall-service'
  Pop $0
!macroend

!macro InstallService
  ReadRegStr $1 HKLM Software\udpecho ServiceOptions
  ${GetParameters} $0
  ClearErrors
  ${GetOptions} $0 /OPTIONS= $2
  ${IfNot} ${Errors}
    StrCpy $1 $2
  ${EndIf}
  !insertmacro Require '"$INSTDIR\bin\udpechod.exe" --install-service $1'
  !insertmacro Require '"$SYSDIR\sc.exe" start udpechod'
  WriteRegStr HKLM Software\udpecho ServiceOptions $1
!macroend

!macro RemoveAll
  !insertmacro RemoveService
  DeleteRegKey HKLM Software\udpecho
!macroend
