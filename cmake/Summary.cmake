message(STATUS "coppice ${PROJECT_VERSION}: ${CMAKE_BUILD_TYPE}, sanitizers '${COPPICE_SANITIZE}', "
               "torch ${COPPICE_TORCH} ${Torch_VERSION}, systemd ${SYSTEMD_VERSION}, ccache ${COPPICE_CCACHE}, mold ${COPPICE_MOLD}")
