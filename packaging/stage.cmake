# What the packages hold otherwise than "cmake --install" does. CPack runs this for each kind of
# package, once everything is in its staging area.
set(packaging ${CMAKE_CURRENT_LIST_DIR})
foreach(component ${CPACK_COMPONENTS_ALL})
    set(share ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/${component}/usr/share)
    if(CPACK_GENERATOR STREQUAL "DEB")
        set(doc ${share}/doc/${component})
        configure_file(${packaging}/debian/changelog ${doc}/changelog.Debian COPYONLY)
        configure_file(${packaging}/../CHANGELOG.md ${doc}/changelog COPYONLY)
        configure_file(${packaging}/debian/copyright ${doc}/copyright COPYONLY)
        configure_file(${packaging}/debian/lintian-overrides
                       ${share}/lintian/overrides/${component} COPYONLY)
        # Debian's zsh looks for other packages' completions elsewhere than Fedora's.
        if(EXISTS ${share}/zsh)
            file(RENAME ${share}/zsh/site-functions ${share}/zsh/vendor-completions)
        endif()
    else()
        configure_file(${packaging}/../LICENSE ${share}/licenses/${component}/LICENSE COPYONLY)
    endif()
    file(GLOB plain ${share}/man/*/* ${share}/doc/${component}/changelog*)
    if(plain)
        execute_process(COMMAND gzip -9n ${plain} COMMAND_ERROR_IS_FATAL ANY)
    endif()
endforeach()
