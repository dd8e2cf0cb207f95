# Writes the bytes of the file TEXT into the C file SOURCE, as iv__asset_NAME and iv__asset_NAME_size.
cmake_minimum_required(VERSION 3.22)

get_filename_component(FILE ${TEXT} NAME)
file(READ ${TEXT} bytes HEX)
string(LENGTH "${bytes}" digits)
math(EXPR size "${digits} / 2")
if(size EQUAL 0)
    message(FATAL_ERROR "${TEXT} is empty")
endif()
string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
string(REPEAT "....." 20 line)
string(REGEX REPLACE "(${line})" "\\1\n" bytes "${bytes}")
file(WRITE ${SOURCE}
"/* The bytes of assets/${FILE}. */

#include \"data/assets.h\"

const unsigned long iv__asset_${NAME}_size = ${size};
const unsigned char iv__asset_${NAME}[] = {
${bytes}
};
")
