# MPI programs for tests, once for each host MPI: NAME-openmpi and NAME-mpich in ${CMAKE_BINARY_DIR}/tests/programs.
set(SLUICE_TEST_PROGRAMS ${CMAKE_BINARY_DIR}/tests/programs)

# sluice_test_program(NAME SOURCES ... [PLAIN]): linked with the library of its MPI, or with the MPI alone if PLAIN.
function(sluice_test_program name)
  cmake_parse_arguments(PROGRAM "PLAIN" "" "SOURCES" ${ARGN})
  foreach(mpi openmpi mpich)
    add_executable(test_${name}_${mpi} ${PROGRAM_SOURCES})
    sluice_options(test_${name}_${mpi})
    if(NOT PROGRAM_PLAIN)
      target_link_libraries(test_${name}_${mpi} PRIVATE sluice-${mpi})
    endif()
    target_link_libraries(test_${name}_${mpi} PRIVATE hostmpi::${mpi} Threads::Threads)
    set_target_properties(test_${name}_${mpi} PROPERTIES OUTPUT_NAME ${name}-${mpi}
                          RUNTIME_OUTPUT_DIRECTORY ${SLUICE_TEST_PROGRAMS})
  endforeach()
endfunction()

# sluice_fortran_program(NAME SOURCE): by the MPI's own compiler wrapper; nothing where there is none.
function(sluice_fortran_program name source)
  foreach(mpi openmpi mpich)
    find_program(SLUICE_MPIF90_${mpi} mpif90.${mpi})
    find_program(SLUICE_GFORTRAN gfortran)
    if(NOT SLUICE_MPIF90_${mpi} OR NOT SLUICE_GFORTRAN)
      continue()
    endif()
    set(output ${SLUICE_TEST_PROGRAMS}/${name}-${mpi})
    add_custom_command(
      OUTPUT ${output}
      COMMAND ${CMAKE_COMMAND} -E make_directory ${SLUICE_TEST_PROGRAMS}
      COMMAND ${SLUICE_MPIF90_${mpi}} -O1 -o ${output} ${CMAKE_CURRENT_SOURCE_DIR}/${source}
      DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${source}
      VERBATIM)
    add_custom_target(test_${name}_${mpi} ALL DEPENDS ${output})
  endforeach()
endfunction()
