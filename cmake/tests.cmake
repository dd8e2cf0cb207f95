# Tests under CTest: every tests/*_test.c is a cmocka program, every tests/cli/*.t a script on the program. Those whose
# names end in _alone (before _test.c or .t) measure time or memory, and run while nothing else does. Those whose names
# begin with torture_ try to break what is promised: a little in `make check`, long in `make torture`.

enable_testing()

function(ivory_test name label)
    add_test(NAME ${name} COMMAND ${ARGN})
    set_tests_properties(${name} PROPERTIES LABELS ${label} TIMEOUT 900
        ENVIRONMENT "IVORY=${PROJECT_BINARY_DIR}/ivory;IVORY_SANITIZE=${IVORY_SANITIZE}")
    if(name MATCHES "_alone(_test)?$")
        set_tests_properties(${name} PROPERTIES RUN_SERIAL ON)
    endif()
    if(name MATCHES "^(cli/)?torture_")
        set_tests_properties(${name} PROPERTIES LABELS "${label};torture" TIMEOUT 14400)
    endif()
endfunction()

ivory_test(layers house ${PROJECT_SOURCE_DIR}/tools/layers)

file(GLOB scripts CONFIGURE_DEPENDS tests/cli/*.t)
foreach(script IN LISTS scripts)
    get_filename_component(name ${script} NAME_WE)
    ivory_test(cli/${name} cli bash ${script})
endforeach()

pkg_check_modules(CMOCKA IMPORTED_TARGET cmocka)
if(NOT CMOCKA_FOUND)
    message(NOTICE "cmocka is not here: the test programs are left out (Debian: libcmocka-dev)")
    return()
endif()

add_library(ivory-test INTERFACE)
target_link_libraries(ivory-test INTERFACE ivory-io ivory PkgConfig::CMOCKA ZLIB::ZLIB)
target_include_directories(ivory-test INTERFACE tests)
target_compile_definitions(ivory-test INTERFACE IVORY_TESTS="${PROJECT_SOURCE_DIR}/tests")

file(GLOB common CONFIGURE_DEPENDS tests/common/*.c)
if(common)
    add_library(ivory-test-common STATIC ${common})
    target_link_libraries(ivory-test-common PUBLIC ivory-test)
    set(test_library ivory-test-common)
else()
    set(test_library ivory-test)
endif()

# Models in the ONNX format, built of Ivory's rows: for the programs and tests that run them.
file(GLOB importers CONFIGURE_DEPENDS tests/onnx/*.c)
add_library(ivory-test-onnx STATIC EXCLUDE_FROM_ALL ${importers})
target_link_libraries(ivory-test-onnx PUBLIC ivory-io ivory)
target_include_directories(ivory-test-onnx PUBLIC tests)

file(GLOB programs CONFIGURE_DEPENDS tests/*_test.c)
foreach(source IN LISTS programs)
    get_filename_component(name ${source} NAME_WE)
    add_executable(${name} ${source})
    target_link_libraries(${name} PRIVATE ${test_library})
    if(name MATCHES "^onnx")
        target_link_libraries(${name} PRIVATE ivory-test-onnx)
    endif()
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
    ivory_test(${name} program ${PROJECT_BINARY_DIR}/tests/${name})
endforeach()

# Programs that the scripts of tests/cli run, as those that compare Ivory with what others made: tests/programs/NAME.c
# becomes build/tests/NAME.
file(GLOB programs CONFIGURE_DEPENDS tests/programs/*.c)
foreach(source IN LISTS programs)
    get_filename_component(name ${source} NAME_WE)
    add_executable(${name} ${source})
    target_link_libraries(${name} PRIVATE ivory-io ivory)
    if(name MATCHES "^onnx")
        target_link_libraries(${name} PRIVATE ivory-test-onnx)
    endif()
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
endforeach()

# Fuzz targets without a fuzzer: build/tests/replay-NAME runs fuzz_NAME.c over what fuzz/seeds/NAME keeps: what starts a
# fuzzer off, and what fuzzers found.
add_custom_target(replays)
foreach(source IN LISTS IVORY_FUZZ_TARGETS)
    get_filename_component(name ${source} NAME_WE)
    string(REPLACE fuzz_ "" name ${name})
    ivory_fuzz_target(replay-${name} ${source} fuzz/replay.c)
    if(TARGET replay-${name})
        add_dependencies(replays replay-${name})
        set_target_properties(replay-${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
        ivory_test(replay/${name} fuzz ${PROJECT_BINARY_DIR}/tests/replay-${name} ${PROJECT_SOURCE_DIR}/fuzz/seeds/${name})
    endif()
endforeach()

# The program ivory with calls that fail on demand, and what tries them one after another.
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS tests/faults/faults.c)
file(STRINGS tests/faults/faults.c wrapped REGEX "^    X\\(")
string(REGEX MATCHALL "[a-z_]+" wrapped "${wrapped}")
add_executable(faulty-ivory tests/faults/faults.c $<TARGET_OBJECTS:ivory-program>)
target_link_libraries(faulty-ivory PRIVATE ivory-cli)
foreach(call IN LISTS wrapped)
    target_link_options(faulty-ivory PRIVATE "LINKER:--wrap=${call}")
endforeach()
add_executable(fault-sweep tests/faults/sweep.c tests/faults/files.c)
set_target_properties(faulty-ivory fault-sweep PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
