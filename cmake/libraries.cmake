# libivory, the engine, needs libc, libm and threads alone; libivory-io adds what reads files through other libraries,
# the data sets and the models.

# The C files of rooms of src/, subfolders included.
function(ivory_sources result)
    set(all "")
    foreach(room IN LISTS ARGN)
        file(GLOB_RECURSE found CONFIGURE_DEPENDS src/${room}/*.c)
        list(APPEND all ${found})
    endforeach()
    set(${result} ${all} PARENT_SCOPE)
endfunction()

ivory_sources(engine base tensor graph ops format backend derive plan nn train)
list(FILTER engine EXCLUDE REGEX "/src/format/io_[^/]*\\.c$")
ivory_sources(io data weights models registry)
file(GLOB readers CONFIGURE_DEPENDS src/format/io_*.c)
list(APPEND io ${readers} ${IVORY_ASSETS})

# Kernels for an instruction set are chosen at run time; only their own files may use it.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
    set(x86 ON)
else()
    set(x86 OFF)
    list(FILTER engine EXCLUDE REGEX "/src/backend/cpu/[^/]*_(avx2|avx512|avx512bf16|amx)\\.c$")
endif()
set(avx512 -mavx512f -mavx512dq -mavx512bw -mavx512vl -mfma -mavx2)
foreach(source IN LISTS engine)
    if(source MATCHES "/src/backend/cpu/[^/]*_avx512\\.c$")
        set(flags -O3 -fno-trapping-math -fno-math-errno ${avx512})
    elseif(source MATCHES "/src/backend/cpu/[^/]*_avx512bf16\\.c$")
        set(flags -O3 -fno-trapping-math -fno-math-errno ${avx512} -mavx512bf16)
    elseif(source MATCHES "/src/backend/cpu/[^/]*_amx\\.c$")
        set(flags -O3 -fno-trapping-math -fno-math-errno ${avx512} -mavx512bf16 -mamx-tile -mamx-bf16)
    elseif(source MATCHES "/src/backend/cpu/[^/]*_avx2\\.c$")
        set(flags -O3 -fno-trapping-math -fno-math-errno -mavx2 -mfma)
    elseif(source MATCHES "/src/(ops/|backend/cpu/[^/]*_(portable|amx_emulated)\\.c$)")
        # No value changes: only that floating-point traps and errno are not asked for, so that loops can be vectorised.
        set(flags -O3 -fno-trapping-math -fno-math-errno)
    else()
        continue()
    endif()
    if(IVORY_FUZZ AND source MATCHES "/kernels_[^/]*\\.c$")
        # Clang takes many minutes over checks in unrolled tiles; `make ubsan`, by GCC, has them.
        list(APPEND flags -fno-sanitize=undefined)
    endif()
    set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS "${flags}")
endforeach()

function(ivory_library target)
    add_library(${target} STATIC ${ARGN})
    target_include_directories(${target} PUBLIC $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
    add_dependencies(${target} ivory-version)
endfunction()

ivory_library(ivory ${engine})
target_link_libraries(ivory PUBLIC m Threads::Threads)
if(NOT x86)
    target_compile_definitions(ivory PRIVATE IVORY_NO_X86)
endif()

ivory_library(ivory-io ${io})
target_link_libraries(ivory-io PUBLIC ivory PRIVATE ZLIB::ZLIB PNG::PNG JPEG::JPEG PkgConfig::WEBP)
# Where helper programs are installed, for programs of others that use the library.
set_source_files_properties(src/format/io_helper.c PROPERTIES
    COMPILE_DEFINITIONS IVORY_LIBEXEC="${CMAKE_INSTALL_FULL_LIBEXECDIR}/ivory")
