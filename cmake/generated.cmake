# What the build writes besides the registry: the version header, and the texts of assets/ as C arrays.

add_custom_target(ivory-version
    COMMAND ${CMAKE_COMMAND} -DVERSION=${PROJECT_VERSION} -DSOURCE=${PROJECT_SOURCE_DIR}
            -DHEADER=${GENERATED}/ivory_version.h -P ${PROJECT_SOURCE_DIR}/cmake/version.cmake
    BYPRODUCTS ${GENERATED}/ivory_version.h
    COMMENT ""
    VERBATIM)

set(IVORY_ASSETS "")
file(GLOB assets CONFIGURE_DEPENDS assets/*.txt assets/*.c)
foreach(text IN LISTS assets)
    get_filename_component(name ${text} NAME_WE)
    set(source ${GENERATED}/asset_${name}.c)
    add_custom_command(
        OUTPUT ${source}
        COMMAND ${CMAKE_COMMAND} -DTEXT=${text} -DNAME=${name} -DSOURCE=${source}
                -P ${PROJECT_SOURCE_DIR}/cmake/asset.cmake
        DEPENDS ${text} cmake/asset.cmake
        COMMENT "Embedding assets/${name}"
        VERBATIM)
    list(APPEND IVORY_ASSETS ${source})
endforeach()
