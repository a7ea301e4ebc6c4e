! Linked with a binding that carries the host MPI inside (own_copy.cpp).
program own_copy_user
  implicit none
  external :: mpi_init, mpi_finalize, mpi_initialized
  integer :: error
  logical :: flag
  call mpi_init(error)
  call mpi_initialized(flag, error)
  print *, 'PASSED', flag
  call mpi_finalize(error)
end program own_copy_user
