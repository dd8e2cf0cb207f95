# The program ivory, and its helper ivory-plot, which it starts for pictures so that cairo is loaded only then.

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

file(GLOB cli CONFIGURE_DEPENDS src/cli/*.c)
ivory_program(ivory-program "${cli}" ivory-io ivory)
if(TARGET ivory-program)
    set_target_properties(ivory-program PROPERTIES OUTPUT_NAME ivory)
endif()

pkg_check_modules(CAIRO IMPORTED_TARGET cairo)
if(CAIRO_FOUND)
    file(GLOB_RECURSE plot CONFIGURE_DEPENDS src/cli/plot/*.c)
    ivory_program(ivory-plot "${plot}" ivory PkgConfig::CAIRO)
else()
    message(NOTICE "cairo is not here: the helper ivory-plot, which draws, is left out (Debian: libcairo2-dev)")
endif()
