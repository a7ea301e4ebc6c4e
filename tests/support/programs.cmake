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

# sluice_fortran_program(NAME SOURCE... [FLAGS FLAG...] [DEPENDS FILE...] [LINK TARGET]): by the MPI's own compiler
# wrapper; nothing where there is none. LINK is a library to link before the MPI; MPI in its name becomes openmpi or mpich.
function(sluice_fortran_program name)
  cmake_parse_arguments(PROGRAM "" "LINK" "FLAGS;DEPENDS" ${ARGN})
  list(TRANSFORM PROGRAM_UNPARSED_ARGUMENTS PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/ OUTPUT_VARIABLE sources)
  list(TRANSFORM PROGRAM_DEPENDS PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/ OUTPUT_VARIABLE depends)
  find_program(SLUICE_GFORTRAN gfortran)
  foreach(mpi openmpi mpich)
    find_program(SLUICE_MPIF90_${mpi} mpif90.${mpi})
    if(NOT SLUICE_MPIF90_${mpi} OR NOT SLUICE_GFORTRAN)
      continue()
    endif()
    set(output ${SLUICE_TEST_PROGRAMS}/${name}-${mpi})
    set(modules ${CMAKE_CURRENT_BINARY_DIR}/${name}-${mpi}.modules)
    set(link)
    set(library)
    if(PROGRAM_LINK)
      string(REPLACE "MPI" ${mpi} library ${PROGRAM_LINK})
      set(link $<TARGET_FILE:${library}> -Wl,-rpath,$ORIGIN)
    endif()
    add_custom_command(
      OUTPUT ${output}
      COMMAND ${CMAKE_COMMAND} -E make_directory ${SLUICE_TEST_PROGRAMS} ${modules}
      COMMAND ${SLUICE_MPIF90_${mpi}} -O1 ${PROGRAM_FLAGS} -J ${modules} -o ${output} ${sources} ${link}
      DEPENDS ${sources} ${depends} ${library}
      VERBATIM)
    add_custom_target(test_${name}_${mpi} ALL DEPENDS ${output})
  endforeach()
endfunction()
