# The Debian package: cpack -G DEB in the build folder. Manual pages and completion are written by the program itself.
set(FLARE_PAGES ${CMAKE_BINARY_DIR}/pages)
set(commands run check keys merge report replay accuracy sparsity cost paper perplexity export compare corner size batch status)
string(REPLACE ";" " " commands_text "${commands}")
set(page_files ${FLARE_PAGES}/flare.1)
foreach(command ${commands})
  list(APPEND page_files ${FLARE_PAGES}/flare-${command}.1)
endforeach()
add_custom_command(
  OUTPUT ${page_files} ${FLARE_PAGES}/completion
  COMMAND ${CMAKE_COMMAND} -E make_directory ${FLARE_PAGES}
  COMMAND $<TARGET_FILE:flare> man > ${FLARE_PAGES}/flare.1
  COMMAND sh -c "for c in ${commands_text}; do '$<TARGET_FILE:flare>' man $c > '${FLARE_PAGES}'/flare-$c.1 || exit 1; done"
  COMMAND $<TARGET_FILE:flare> completion > ${FLARE_PAGES}/completion
  DEPENDS flare
  VERBATIM)
add_custom_target(pages ALL DEPENDS ${page_files} ${FLARE_PAGES}/completion)
install(FILES ${page_files} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${FLARE_PAGES}/completion DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME flare)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/studies/python/flare DESTINATION lib/python3/dist-packages
        FILES_MATCHING PATTERN "*.py" PATTERN "__pycache__" EXCLUDE)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME flare)
set(CPACK_PACKAGE_CONTACT "FLARE maintainers")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "gnuplot-nox, libjs-d3, python3-h5py, python3-numpy")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "ngspice, python3-pandas")
set(CPACK_STRIP_FILES ON)
include(CPack)
