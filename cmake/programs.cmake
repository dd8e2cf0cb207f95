# The program ivory, and its helpers, which are started on demand: ivory-plot draws with cairo, ivory-hdf5 reads HDF5
# files with libhdf5.

add_custom_target(programs)

# A program of the given sources and libraries; none without sources.
function(ivory_program target sources)
    if(sources)
        add_executable(${target} ${sources})
        target_link_libraries(${target} PRIVATE ${ARGN})
        add_dependencies(${target} ivory-version)
        add_dependencies(programs ${target})
    endif()
endfunction()

# All of the program but its main: the fuzz targets use it too.
file(GLOB cli CONFIGURE_DEPENDS src/cli/*.c)
list(FILTER cli EXCLUDE REGEX "/src/cli/main\\.c$")
add_library(ivory-cli STATIC ${cli})
target_link_libraries(ivory-cli PUBLIC ivory-io ivory)
add_dependencies(ivory-cli ivory-version)
ivory_program(ivory-program src/cli/main.c ivory-cli)
set_target_properties(ivory-program PROPERTIES OUTPUT_NAME ivory)

pkg_check_modules(CAIRO IMPORTED_TARGET cairo)
if(CAIRO_FOUND)
    file(GLOB_RECURSE plot CONFIGURE_DEPENDS src/cli/plot/*.c)
    ivory_program(ivory-plot "${plot}" ivory PkgConfig::CAIRO)
else()
    message(NOTICE "cairo is not here: the helper ivory-plot, which draws, is left out (Debian: libcairo2-dev)")
endif()

pkg_search_module(HDF5 IMPORTED_TARGET hdf5-serial hdf5)
if(HDF5_FOUND)
    file(GLOB_RECURSE hdf5 CONFIGURE_DEPENDS src/cli/hdf5/*.c)
    ivory_program(ivory-hdf5 "${hdf5}" ivory PkgConfig::HDF5)
else()
    message(NOTICE "hdf5 is not here: the helper ivory-hdf5, which reads Keras's files, is left out (Debian: libhdf5-dev)")
endif()
