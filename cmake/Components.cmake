# One function per kind of target. Sources are listed, never globbed.
include(GoogleTest)
add_custom_target(unit_tests)  # every suite labelled unit

# coppice_library(NAME SOURCES ... DEPS ...): static library `coppice_NAME`, alias `coppice::NAME`.
function(coppice_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPS" ${ARGN})
  if(arg_SOURCES)
    add_library(coppice_${name} STATIC ${arg_SOURCES})
    target_link_libraries(coppice_${name} PUBLIC coppice_flags ${arg_DEPS})
  else()
    add_library(coppice_${name} INTERFACE)
    target_link_libraries(coppice_${name} INTERFACE coppice_flags ${arg_DEPS})
  endif()
  add_library(coppice::${name} ALIAS coppice_${name})
endfunction()

# Where shared libraries lie that are of this installation alone. Programs find them by a DT_RPATH,
# which, other than a DT_RUNPATH, also holds for what those libraries need themselves.
set(COPPICE_LIBRARY_FOLDER lib/coppice)

# coppice_program(NAME SOURCES ... DEPS ... [COMPONENT ...] [LIBRARIES ...]): program in
# build/<preset>/bin, installed with that component; LIBRARIES: the set of shared libraries it needs.
function(coppice_program name)
  cmake_parse_arguments(arg "" "COMPONENT;LIBRARIES" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE coppice_flags ${arg_DEPS})
  if(NOT arg_COMPONENT)
    return()
  endif()
  set_target_properties(${name} PROPERTIES INSTALL_RPATH "$ORIGIN/../${COPPICE_LIBRARY_FOLDER}")
  target_link_options(${name} PRIVATE -Wl,--disable-new-dtags)
  if(arg_LIBRARIES)
    set(libraries RUNTIME_DEPENDENCY_SET ${arg_LIBRARIES})
  endif()
  install(TARGETS ${name} ${libraries} RUNTIME DESTINATION bin COMPONENT ${arg_COMPONENT})
endfunction()

# coppice_test(NAME SOURCES ... DEPS ... LABELS ...): one ctest a suite.
function(coppice_test name)
  cmake_parse_arguments(arg "" "TIMEOUT" "SOURCES;DEPS;LABELS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE coppice_flags ${arg_DEPS} GTest::gmock GTest::gtest GTest::gtest_main)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
  add_test(NAME ${name} COMMAND ${name})
  if("unit" IN_LIST arg_LABELS)
    add_dependencies(unit_tests ${name})
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT})
endfunction()
