! Rank 0 (its own subject) sends up to the last rank: through the module `mpi`.
program fortran_use
  use mpi
  implicit none
  integer :: rank, ranks, error, count
  integer :: status(MPI_STATUS_SIZE), request
  double precision :: values(1000)
  integer :: i

  call MPI_Init(error)
  call MPI_Comm_rank(MPI_COMM_WORLD, rank, error)
  call MPI_Comm_size(MPI_COMM_WORLD, ranks, error)
  if (ranks /= 2) then
    print *, 'FAILED: the world has', ranks, 'ranks'
    call MPI_Abort(MPI_COMM_WORLD, 1, error)
  end if
  if (rank == 0) then
    values = (/ (dble(i) / 2, i = 1, 1000) /)
    call MPI_Send(values, 1000, MPI_DOUBLE_PRECISION, 1, 5, MPI_COMM_WORLD, error)
    call MPI_Isend(values, 10, MPI_DOUBLE_PRECISION, 1, 6, MPI_COMM_WORLD, request, error)
    call MPI_Wait(request, status, error)
    print *, 'PASSED sender'
  else
    call MPI_Recv(values, 1000, MPI_DOUBLE_PRECISION, MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, status, error)
    call MPI_Get_count(status, MPI_DOUBLE_PRECISION, count, error)
    if (count /= 1000 .or. status(MPI_SOURCE) /= 0 .or. status(MPI_TAG) /= 5 .or. values(999) /= 499.5d0) then
      print *, 'FAILED: first message', count, status(MPI_SOURCE), status(MPI_TAG), values(999)
      call MPI_Abort(MPI_COMM_WORLD, 1, error)
    end if
    call MPI_Irecv(values, 1000, MPI_DOUBLE_PRECISION, 0, 6, MPI_COMM_WORLD, request, error)
    call MPI_Wait(request, status, error)
    call MPI_Get_count(status, MPI_DOUBLE_PRECISION, count, error)
    if (count /= 10 .or. values(10) /= 5.0d0) then
      print *, 'FAILED: second message', count, values(10)
      call MPI_Abort(MPI_COMM_WORLD, 1, error)
    end if
    print *, 'PASSED receiver'
  end if
  call MPI_Finalize(error)
end program fortran_use
