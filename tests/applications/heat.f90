! Heat in a plate: the two-dimensional diffusion equation by Jacobi's method, with halo exchange through mpi_f08.
!
!   heat plain|cartesian N STEPS
!
! The N x N grid is cut into rows * columns blocks. Ranks find their neighbours by arithmetic, or by a Cartesian
! topology. Steps take turns between MPI_Sendrecv and nonblocking exchanges, and columns are sent as a derived
! datatype. The result is printed as bits, so that it can be compared to the last one.
program heat
  use mpi_f08
  use, intrinsic :: iso_fortran_env, only: int64, real64
  implicit none
  integer, parameter :: north = 1, south = 2, west = 3, east = 4
  type(MPI_Comm) :: comm
  type(MPI_Datatype) :: row
  integer :: rank, ranks, n, steps, step, rows, columns, mine(2), neighbour(4), height, width
  real(real64), allocatable, asynchronous :: now(:, :), next(:, :)
  real(real64) :: change, largest
  integer(int64) :: digest
  character(20) :: word
  logical :: cartesian

  call MPI_Init()
  call get_command_argument(1, word)
  cartesian = word == 'cartesian'
  n = argument(2)
  steps = argument(3)
  call MPI_Comm_size(MPI_COMM_WORLD, ranks)
  call cut_world()
  height = n / rows
  width = n / columns
  if (rows * height /= n .or. columns * width /= n) call give_up('the grid does not divide by the ranks')
  allocate (now(0:height + 1, 0:width + 1), next(0:height + 1, 0:width + 1))
  call MPI_Type_vector(width, 1, height + 2, MPI_DOUBLE_PRECISION, row)
  call MPI_Type_commit(row)
  call set_start()
  largest = 0
  do step = 1, steps
    if (mod(step, 2) == 0) then
      call exchange_in_pairs()
    else
      call exchange_at_once()
    end if
    call relax()
    if (mod(step, 10) == 0 .or. step == steps) then
      call MPI_Allreduce(change, largest, 1, MPI_DOUBLE_PRECISION, MPI_MAX, comm)
      if (largest < 1d-12) exit
    end if
  end do
  call MPI_Allreduce(bits_of_plate(), digest, 1, MPI_INTEGER8, MPI_BXOR, comm)
  if (rank == 0) then
    print '(a, 3(1x, i0), 2(1x, z16.16))', 'RESULT', n, ranks, min(step, steps), transfer(largest, 0_int64), digest
    flush (6)
  end if
  call MPI_Type_free(row)
  if (cartesian) call MPI_Comm_free(comm)
  call MPI_Finalize()

contains

  integer function argument(place)
    integer, intent(in) :: place
    character(20) :: text
    call get_command_argument(place, text)
    read (text, *) argument
  end function argument

  subroutine give_up(reason)
    character(*), intent(in) :: reason
    print *, 'FAILED: ', reason
    call MPI_Abort(MPI_COMM_WORLD, 1)
  end subroutine give_up

  ! Blocks as square as possible; rank, place and neighbours of this process.
  subroutine cut_world()
    integer :: shape(2)
    shape = 0
    call MPI_Dims_create(ranks, 2, shape)
    rows = shape(1)
    columns = shape(2)
    if (cartesian) then
      call MPI_Cart_create(MPI_COMM_WORLD, 2, shape, (/ .false., .true. /), .true., comm)
      call MPI_Comm_rank(comm, rank)
      call MPI_Cart_coords(comm, rank, 2, mine)
      call MPI_Cart_shift(comm, 0, 1, neighbour(north), neighbour(south))
      call MPI_Cart_shift(comm, 1, 1, neighbour(west), neighbour(east))
    else
      comm = MPI_COMM_WORLD
      call MPI_Comm_rank(comm, rank)
      mine = (/ rank / columns, mod(rank, columns) /)
      neighbour(north) = merge(rank - columns, MPI_PROC_NULL, mine(1) > 0)
      neighbour(south) = merge(rank + columns, MPI_PROC_NULL, mine(1) < rows - 1)
      neighbour(west) = mine(1) * columns + mod(mine(2) + columns - 1, columns)
      neighbour(east) = mine(1) * columns + mod(mine(2) + 1, columns)
    end if
  end subroutine cut_world

  ! A hot wave along the northern edge and a cold southern edge; nothing in between. West and east are joined.
  subroutine set_start()
    integer :: j
    now = 0
    if (mine(1) == 0) then
      do j = 1, width
        now(0, j) = 100 + mod((mine(2) * width + j) * 37, 101) / 8d0
      end do
    end if
    next = now
  end subroutine set_start

  subroutine exchange_in_pairs()
    call MPI_Sendrecv(now(1, 1), 1, row, neighbour(north), 1, now(height + 1, 1), 1, row, neighbour(south), 1, comm, &
                      MPI_STATUS_IGNORE)
    call MPI_Sendrecv(now(height, 1), 1, row, neighbour(south), 2, now(0, 1), 1, row, neighbour(north), 2, comm, &
                      MPI_STATUS_IGNORE)
    call MPI_Sendrecv(now(1:height, 1), height, MPI_DOUBLE_PRECISION, neighbour(west), 3, now(1:height, width + 1), &
                      height, MPI_DOUBLE_PRECISION, neighbour(east), 3, comm, MPI_STATUS_IGNORE)
    call MPI_Sendrecv(now(1:height, width), height, MPI_DOUBLE_PRECISION, neighbour(east), 4, now(1:height, 0), &
                      height, MPI_DOUBLE_PRECISION, neighbour(west), 4, comm, MPI_STATUS_IGNORE)
  end subroutine exchange_in_pairs

  subroutine exchange_at_once()
    type(MPI_Request) :: requests(8)
    call MPI_Irecv(now(height + 1, 1), 1, row, neighbour(south), 1, comm, requests(1))
    call MPI_Irecv(now(0, 1), 1, row, neighbour(north), 2, comm, requests(2))
    call MPI_Irecv(now(1, width + 1), height, MPI_DOUBLE_PRECISION, neighbour(east), 3, comm, requests(3))
    call MPI_Irecv(now(1, 0), height, MPI_DOUBLE_PRECISION, neighbour(west), 4, comm, requests(4))
    call MPI_Isend(now(1, 1), 1, row, neighbour(north), 1, comm, requests(5))
    call MPI_Isend(now(height, 1), 1, row, neighbour(south), 2, comm, requests(6))
    call MPI_Isend(now(1, 1), height, MPI_DOUBLE_PRECISION, neighbour(west), 3, comm, requests(7))
    call MPI_Isend(now(1, width), height, MPI_DOUBLE_PRECISION, neighbour(east), 4, comm, requests(8))
    call MPI_Waitall(8, requests, MPI_STATUSES_IGNORE)
  end subroutine exchange_at_once

  subroutine relax()
    integer :: i, j
    change = 0
    do j = 1, width
      do i = 1, height
        next(i, j) = 0.25d0 * (now(i - 1, j) + now(i + 1, j) + now(i, j - 1) + now(i, j + 1))
        change = max(change, abs(next(i, j) - now(i, j)))
      end do
    end do
    now(1:height, 1:width) = next(1:height, 1:width)
  end subroutine relax

  ! Every value with its place in the whole grid, so that a value in a wrong place shows.
  integer(int64) function bits_of_plate()
    integer :: i, j
    bits_of_plate = 0
    do j = 1, width
      do i = 1, height
        bits_of_plate = ieor(bits_of_plate, ishftc(transfer(now(i, j), 0_int64), &
                             mod(((mine(1) * height + i) * 3 + (mine(2) * width + j) * 7), 63)))
      end do
    end do
  end function bits_of_plate
end program heat
