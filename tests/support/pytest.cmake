# sluice_pytest(NAME FILE LABELS ... TIMEOUT ...): one pytest file as one CTest entry, against this build tree.
function(sluice_pytest name file)
  cmake_parse_arguments(PYTEST "RUN_SERIAL" "TIMEOUT" "LABELS" ${ARGN})
  add_test(NAME ${name}
           COMMAND /usr/bin/python3 -m pytest -q -p no:cacheprovider --color=no --import-mode=importlib
                   ${CMAKE_CURRENT_SOURCE_DIR}/${file})
  set_tests_properties(${name} PROPERTIES LABELS "${PYTEST_LABELS}" TIMEOUT "${PYTEST_TIMEOUT}")
  set_tests_properties(${name} PROPERTIES ENVIRONMENT
    "SLUICE_BUILD=${CMAKE_BINARY_DIR};PYTHONDONTWRITEBYTECODE=1;PYTHONPATH=${CMAKE_SOURCE_DIR}/tests/support")
  if(PYTEST_RUN_SERIAL)
    set_tests_properties(${name} PROPERTIES RUN_SERIAL ON)
  endif()
endfunction()
