# Script: writes OUT, which says of which revision SOURCE is ("+" at the end: it was changed since).
# Outside a git checkout that is what COPPICE_REVISION says.
if(NOT REVISION)
  execute_process(COMMAND git -C "${SOURCE}" describe --always --abbrev=12 --exclude=* --dirty=+
                  OUTPUT_VARIABLE REVISION OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
if(NOT REVISION)
  set(REVISION "unknown")
endif()
set(text "#define COPPICE_REVISION \"${REVISION}\"\n")
if(EXISTS "${OUT}")
  file(READ "${OUT}" before)
endif()
if(NOT text STREQUAL before)
  file(WRITE "${OUT}" "${text}")
endif()
