# The two host MPIs as imported targets, side by side: hostmpi::openmpi and hostmpi::mpich.
#
# CMake's own FindMPI knows one MPI a build; the compiler wrappers are asked instead.

function(sluice_host_mpi name wrapper show)
  find_program(SLUICE_MPICC_${name} ${wrapper})
  if(NOT SLUICE_MPICC_${name})
    message(FATAL_ERROR "${wrapper} not found: install the development package of ${name} (scripts/setup does)")
  endif()
  execute_process(COMMAND ${SLUICE_MPICC_${name}} ${show} OUTPUT_VARIABLE line OUTPUT_STRIP_TRAILING_WHITESPACE
                  COMMAND_ERROR_IS_FATAL ANY)
  separate_arguments(words UNIX_COMMAND "${line}")
  add_library(hostmpi_${name} INTERFACE)
  add_library(hostmpi::${name} ALIAS hostmpi_${name})
  # The C++ bindings were removed from MPI in 2012; mpi.h would still draw them in.
  target_compile_definitions(hostmpi_${name} INTERFACE OMPI_SKIP_MPICXX=1 MPICH_SKIP_MPICXX=1)
  foreach(word IN LISTS words)
    if(word MATCHES "^-I(.+)")
      target_include_directories(hostmpi_${name} SYSTEM INTERFACE ${CMAKE_MATCH_1})
    elseif(word MATCHES "^-L(.+)")
      target_link_directories(hostmpi_${name} INTERFACE ${CMAKE_MATCH_1})
    elseif(word MATCHES "^-l(.+)")
      target_link_libraries(hostmpi_${name} INTERFACE ${CMAKE_MATCH_1})
    endif()
  endforeach()
endfunction()

sluice_host_mpi(openmpi mpicc.openmpi -showme)
sluice_host_mpi(mpich mpicc.mpich -show)
