# find_package(coppice COMPONENTS client): the target coppice::client.
include(CMakeFindDependencyMacro)
find_dependency(Threads)
find_dependency(tl-expected)
find_dependency(spdlog)
find_dependency(PkgConfig)
pkg_check_modules(COPPICE_ZMQ REQUIRED IMPORTED_TARGET libzmq)

get_filename_component(coppice_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
if(NOT TARGET coppice::client)
  add_library(coppice::client STATIC IMPORTED)
  set_target_properties(coppice::client PROPERTIES
    IMPORTED_LOCATION "${coppice_prefix}/lib/libcoppice_client.a"
    INTERFACE_INCLUDE_DIRECTORIES "${coppice_prefix}/include/coppice"
    INTERFACE_COMPILE_FEATURES cxx_std_20
    INTERFACE_LINK_LIBRARIES
      "${coppice_prefix}/lib/libcoppice_key_pair.a;${coppice_prefix}/lib/libcoppice_codec.a;${coppice_prefix}/lib/libcoppice_messages.a;${coppice_prefix}/lib/libcoppice_base.a;tl::expected;spdlog::spdlog;PkgConfig::COPPICE_ZMQ;Threads::Threads")
endif()
set(coppice_client_FOUND TRUE)
