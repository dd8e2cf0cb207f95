# The registry: lists of what exists, written from the files that are there. CONFIGURE_DEPENDS makes every build look
# again, so a new file is in its list at the next `make`; a list that did not change is not written anew.

# One line MACRO(name) in registry_LIST.inc for each file that GLOB finds; SKIP and PREFIX are regular expressions of
# names that are left out, and of what is taken off the front of a name.
function(ivory_registry list macro glob skip prefix)
    file(GLOB found RELATIVE ${PROJECT_SOURCE_DIR} CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${glob})
    set(lines "/* ${list}: what the build found. */\n")
    foreach(path IN LISTS found)
        get_filename_component(name ${path} NAME_WE)
        if(skip AND name MATCHES "${skip}")
            continue()
        endif()
        string(REGEX REPLACE "${prefix}" "" name ${name})
        if(NOT name MATCHES "^[a-z][a-z0-9_]*$")
            message(FATAL_ERROR "${path}: the name must be lower-case letters, digits and _, as it becomes a name in C")
        endif()
        string(APPEND lines "${macro}(${name})\n")
    endforeach()
    file(CONFIGURE OUTPUT ${GENERATED}/registry_${list}.inc CONTENT "${lines}" @ONLY)
endfunction()

ivory_registry(models IV__MODEL "src/models/*.c" "^common" "^$")
ivory_registry(data IV__DATASET "src/data/sets/*.c" "" "^$")
ivory_registry(commands IV__COMMAND "src/cli/cmd_*.c" "" "^cmd_")
ivory_registry(ops IV__OPS "src/ops/*.c" "^common" "^$")
