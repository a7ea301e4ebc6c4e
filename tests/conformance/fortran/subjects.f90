! The calls of mpix_sluice.h from Fortran, by bind(C) interfaces; a sum within the own subject.
program subjects
  use, intrinsic :: iso_c_binding, only: c_int
  use mpi_f08
  implicit none
  interface
    integer(c_int) function MPIX_Subject_mine(subject) bind(C, name='MPIX_Subject_mine')
      import :: c_int
      integer(c_int), intent(out) :: subject
    end function
    integer(c_int) function MPIX_Subject_count(count) bind(C, name='MPIX_Subject_count')
      import :: c_int
      integer(c_int), intent(out) :: count
    end function
    integer(c_int) function MPIX_Flow_allowed(from, to, allowed) bind(C, name='MPIX_Flow_allowed')
      import :: c_int
      integer(c_int), value :: from, to
      integer(c_int), intent(out) :: allowed
    end function
    integer(c_int) function MPIX_Comm_subject_c2f() bind(C, name='MPIX_Comm_subject_c2f')
      import :: c_int
    end function
  end interface
  type(MPI_Comm) :: own
  integer(c_int) :: mine, count, up, down
  integer :: rank, total

  call MPI_Init()
  call MPI_Comm_rank(MPI_COMM_WORLD, rank)
  if (MPIX_Subject_mine(mine) /= MPI_SUCCESS .or. MPIX_Subject_count(count) /= MPI_SUCCESS) error stop 'queries'
  if (MPIX_Flow_allowed(0, count - 1, up) /= MPI_SUCCESS) error stop 'flow upwards'
  if (MPIX_Flow_allowed(count - 1, 0, down) /= MPI_SUCCESS) error stop 'flow downwards'
  own%MPI_VAL = MPIX_Comm_subject_c2f()
  total = rank
  call MPI_Allreduce(MPI_IN_PLACE, total, 1, MPI_INTEGER, MPI_SUM, own)
  print '(a, 6(1x, i0))', 'PASSED subject', mine, count, up, down, rank, total
  call MPI_Finalize()
end program subjects
