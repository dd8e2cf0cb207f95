# Fuzz targets: every fuzz/fuzz_NAME.c is a libFuzzer program.

file(GLOB targets CONFIGURE_DEPENDS fuzz/fuzz_*.c)
foreach(source IN LISTS targets)
    get_filename_component(name ${source} NAME_WE)
    add_executable(${name} ${source})
    target_link_libraries(${name} PRIVATE ivory-io ivory)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/fuzz)
endforeach()
