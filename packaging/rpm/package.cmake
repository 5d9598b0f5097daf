set(CPACK_RPM_COMPONENT_INSTALL ON)
set(CPACK_RPM_FILE_NAME RPM-DEFAULT)
set(CPACK_RPM_PACKAGE_LICENSE Apache-2.0)
set(CPACK_RPM_PACKAGE_RELEASE 1)
set(CPACK_RPM_CHANGELOG_FILE ${packaging}/rpm/changelog)
set(CPACK_RPM_SPEC_MORE_DEFINE
"%define packager ${CPACK_PACKAGE_CONTACT}
%define _build_id_links none
%define _buildhost localhost
%define use_source_date_epoch_as_buildtime 1
%define clamp_mtime_to_source_date_epoch 1")
# Directories of other packages.
set(CPACK_RPM_EXCLUDE_FROM_AUTO_FILELIST_ADDITION
    /etc /usr/${CMAKE_INSTALL_LIBDIR} /usr/lib/systemd /usr/lib/systemd/system /usr/sbin /usr/share/bash-completion
    /usr/share/bash-completion/completions /usr/share/fish /usr/share/fish/vendor_completions.d
    /usr/share/licenses /usr/share/man /usr/share/man/man1 /usr/share/man/man5 /usr/share/man/man8 /usr/share/zsh
    /usr/share/zsh/site-functions)

set(CPACK_RPM_UDPECHO_PACKAGE_NAME udpecho)
set(CPACK_RPM_UDPECHO_PACKAGE_SUMMARY "${client_summary}")
set(CPACK_RPM_UDPECHO_PACKAGE_DESCRIPTION "${client_text}")
# Until 0.1.0 udpechod had the HTTP module.
set(CPACK_RPM_UDPECHO_PACKAGE_CONFLICTS "udpechod < 0.2.0")

set(CPACK_RPM_UDPECHO-WATCH_PACKAGE_NAME udpecho-watch)
set(CPACK_RPM_UDPECHO-WATCH_PACKAGE_SUMMARY "${watch_summary}")
set(CPACK_RPM_UDPECHO-WATCH_PACKAGE_DESCRIPTION "${watch_text}")
set(CPACK_RPM_UDPECHO-WATCH_PACKAGE_ARCHITECTURE noarch)
set(CPACK_RPM_UDPECHO-WATCH_PACKAGE_REQUIRES
    "systemd, udpecho = ${PROJECT_VERSION}")
set(CPACK_RPM_UDPECHO-WATCH_USER_FILELIST
    "%config(noreplace) /etc/udpecho/targets" "%config(noreplace) /etc/udpecho/udpecho-watch.conf")
set(CPACK_RPM_UDPECHO-WATCH_POST_INSTALL_SCRIPT_FILE ${packaging}/rpm/watch/post)
set(CPACK_RPM_UDPECHO-WATCH_PRE_UNINSTALL_SCRIPT_FILE ${packaging}/rpm/watch/preun)
set(CPACK_RPM_UDPECHO-WATCH_POST_UNINSTALL_SCRIPT_FILE ${packaging}/rpm/watch/postun)

set(CPACK_RPM_UDPECHOD_PACKAGE_NAME udpechod)
set(CPACK_RPM_UDPECHOD_PACKAGE_SUMMARY "${server_summary}")
set(CPACK_RPM_UDPECHOD_PACKAGE_DESCRIPTION "${server_text}")
set(CPACK_RPM_UDPECHOD_PACKAGE_REQUIRES systemd)
if(TARGET udpecho_http)
    string(APPEND CPACK_RPM_UDPECHOD_PACKAGE_REQUIRES ", udpecho = ${PROJECT_VERSION}")
endif()
set(CPACK_RPM_UDPECHOD_USER_FILELIST "%config(noreplace) /etc/udpecho/udpechod.conf")
set(CPACK_RPM_UDPECHOD_POST_INSTALL_SCRIPT_FILE ${packaging}/rpm/post)
set(CPACK_RPM_UDPECHOD_PRE_UNINSTALL_SCRIPT_FILE ${packaging}/rpm/preun)
set(CPACK_RPM_UDPECHOD_POST_UNINSTALL_SCRIPT_FILE ${packaging}/rpm/postun)
