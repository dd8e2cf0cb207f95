# Writes HEADER with VERSION and the commit of SOURCE; a + behind the commit says that tracked files differ from it.
# Where SOURCE is no git checkout of its own (an unpacked archive), or git is absent, the commit is empty.
cmake_minimum_required(VERSION 3.22)

set(commit "")
find_program(git git)
if(git)
    function(ask result)
        execute_process(COMMAND ${git} --no-optional-locks -C ${SOURCE} ${ARGN}
            OUTPUT_VARIABLE said RESULT_VARIABLE status ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
        if(NOT status EQUAL 0)
            set(said "")
        endif()
        set(${result} "${said}" PARENT_SCOPE)
    endfunction()

    ask(top rev-parse --show-toplevel)
    file(REAL_PATH "${SOURCE}" source)
    if(top STREQUAL source)
        ask(commit rev-parse --short=12 --verify HEAD)
        ask(changed status --porcelain --untracked-files=no)
        if(commit AND changed)
            string(APPEND commit "+")
        endif()
    endif()
endif()

file(CONFIGURE OUTPUT ${HEADER} @ONLY CONTENT
"/* The version of this build. */
#define IVORY_VERSION \"${VERSION}\"
#define IVORY_COMMIT \"${commit}\"
")
