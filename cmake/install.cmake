# What `make install` lays down: headers, libraries, their pkg-config and CMake descriptions, programs, manual page.

include(CMakePackageConfigHelpers)

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/ivory)
set_target_properties(ivory-io PROPERTIES EXPORT_NAME io)

install(DIRECTORY include/ivory DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN *.h)
install(TARGETS ivory ivory-io EXPORT ivory-targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT ivory-targets NAMESPACE ivory:: DESTINATION ${package_folder})
configure_file(cmake/ivory-config.cmake.in ${GENERATED}/ivory-config.cmake @ONLY)
write_basic_package_version_file(${GENERATED}/ivory-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${GENERATED}/ivory-config.cmake ${GENERATED}/ivory-config-version.cmake DESTINATION ${package_folder})

foreach(library ivory ivory-io)
    configure_file(cmake/${library}.pc.in ${GENERATED}/${library}.pc @ONLY)
    install(FILES ${GENERATED}/${library}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()

if(TARGET ivory-program)
    install(TARGETS ivory-program RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
foreach(helper ivory-plot ivory-hdf5)
    if(TARGET ${helper})
        install(TARGETS ${helper} RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/ivory)
    endif()
endforeach()

configure_file(docs/man/ivory.1.in ${PROJECT_BINARY_DIR}/ivory.1 @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/ivory.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
