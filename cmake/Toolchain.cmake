# Compiler settings shared by every target: standard, warnings, sanitizers, cache and linker.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

find_program(COPPICE_CCACHE ccache)
if(COPPICE_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${COPPICE_CCACHE}")
endif()
find_program(COPPICE_MOLD mold)

add_library(coppice_flags INTERFACE)
target_include_directories(coppice_flags INTERFACE "${CMAKE_SOURCE_DIR}")
target_compile_options(coppice_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow
                       -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor -Wno-restrict)
if(COPPICE_MOLD)
  target_link_options(coppice_flags INTERFACE -fuse-ld=mold)
endif()
if(COPPICE_SANITIZE)
  target_compile_options(coppice_flags INTERFACE -fsanitize=${COPPICE_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(coppice_flags INTERFACE -fsanitize=${COPPICE_SANITIZE})
endif()
