# libtorch: COPPICE_LIBTORCH (environment or cache) names an existing one; else the project's
# virtual environment (.venv, made by scripts/setup) holds the CPU wheel.
set(COPPICE_LIBTORCH "$ENV{COPPICE_LIBTORCH}" CACHE PATH "An existing libtorch (folder with share/cmake/Torch)")
set(_venv_torch "")
if(COPPICE_LIBTORCH)
  set(_venv_torch "${COPPICE_LIBTORCH}")
else()
  foreach(venv "${CMAKE_SOURCE_DIR}/.venv" "$ENV{COPPICE_VENV}")
    file(GLOB _found "${venv}/lib/python3*/site-packages/torch")
    if(_found AND NOT _venv_torch)
      set(_venv_torch "${_found}")
    endif()
  endforeach()
endif()
find_package(Torch QUIET PATHS "${_venv_torch}" PATH_SUFFIXES share/cmake/Torch)
if(NOT Torch_FOUND)
  message(FATAL_ERROR "libtorch was not found. Run scripts/setup, set COPPICE_LIBTORCH to an existing "
                      "libtorch, or configure with -DCOPPICE_TORCH=OFF for built-in models only.")
endif()
