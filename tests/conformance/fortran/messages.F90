! Point-to-point from Fortran: all modes, requests, probes, statuses, absolute addresses.
!
!   messages [TOPIC...]     default: all topics
!
! Each rank talks to the one half a world away, which is in the other subject where there are two of equal size.
#include "binding.inc"
#if BINDING == 2008
#define DETACHED(buffer) type(c_ptr) :: buffer
#else
#define DETACHED(buffer) character :: buffer(16384)
#endif
program messages
  use, intrinsic :: iso_c_binding, only: c_ptr
  USE_MPI
  use checks
  implicit none
  INCLUDE_MPI
  integer :: rank, ranks, peer, error
  STATUS(got)

  call MPI_Init(error)
  call MPI_Comm_rank(MPI_COMM_WORLD, rank, error)
  call MPI_Comm_size(MPI_COMM_WORLD, ranks, error)
  own_rank = rank
  call check(ranks >= 2 .and. mod(ranks, 2) == 0, 'an even number of ranks')
  peer = mod(rank + ranks / 2, ranks)
  if (wanted('modes')) call modes()
  if (wanted('statuses')) call statuses()
  if (wanted('exchanges')) call exchanges()
  if (wanted('addresses')) call addresses()
  if (wanted('nonblocking')) call nonblocking()
  if (wanted('persistent')) call persistent()
  if (wanted('completions')) call completions()
  if (wanted('probes')) call probes()
  if (wanted('matched_probes')) call matched_probes()
  call finish()
  call MPI_Finalize(error)

contains

  ! The lower half of the world sends first.
  logical function first()
    first = rank < ranks / 2
  end function first

  subroutine receive_and_check(tag, what)
    integer, intent(in) :: tag
    character(*), intent(in) :: what
    double precision :: values(500)
    integer :: count
    values = 0
    call MPI_Recv(values, 500, MPI_DOUBLE_PRECISION, peer, tag, MPI_COMM_WORLD, got, error)
    call MPI_Get_count(got, MPI_DOUBLE_PRECISION, count, error)
    call check(SOURCE_OF(got) == peer .and. TAG_OF(got) == tag .and. count == 400, what // ': status')
    call check(all(values(1:400) == peer + 0.25d0 * tag) .and. all(values(401:) == 0), what // ': data')
  end subroutine receive_and_check

  subroutine modes()
    double precision :: values(400)
    character, save :: room(16384)
    DETACHED(detached)
    integer :: turn, bytes, token
    REQUEST :: wanted
    call MPI_Buffer_attach(room, 16384, error)
    do turn = 1, 2
      if (first() .eqv. turn == 1) then
        values = rank + 0.25d0 * 1
        call MPI_Send(values, 400, MPI_DOUBLE_PRECISION, peer, 1, MPI_COMM_WORLD, error)
        values = rank + 0.25d0 * 2
        call MPI_Ssend(values, 400, MPI_DOUBLE_PRECISION, peer, 2, MPI_COMM_WORLD, error)
        call check(error == MPI_SUCCESS, 'synchronous send')
        values = rank + 0.25d0 * 3
        call MPI_Bsend(values, 400, MPI_DOUBLE_PRECISION, peer, 3, MPI_COMM_WORLD, error)
        values = -1
        ! The receiver says that its receive is posted.
        call MPI_Recv(token, 1, MPI_INTEGER, peer, 5, MPI_COMM_WORLD, MPI_STATUS_IGNORE, error)
        values = rank + 0.25d0 * 4
        call MPI_Rsend(values, 400, MPI_DOUBLE_PRECISION, peer, 4, MPI_COMM_WORLD, error)
      else
        call receive_and_check(1, 'standard')
        call receive_and_check(2, 'synchronous')
        call receive_and_check(3, 'buffered')
        call MPI_Irecv(values, 400, MPI_DOUBLE_PRECISION, peer, 4, MPI_COMM_WORLD, wanted, error)
        call MPI_Send(7, 1, MPI_INTEGER, peer, 5, MPI_COMM_WORLD, error)
        call MPI_Wait(wanted, got, error)
        call check(TAG_OF(got) == 4 .and. all(values == peer + 1), 'ready')
      end if
    end do
    call MPI_Buffer_detach(detached, bytes, error)
    call check(bytes == 16384, 'size of the detached buffer')
  end subroutine modes

  subroutine statuses()
    integer :: value, count
    value = 10 * rank
    call MPI_Sendrecv(value, 1, MPI_INTEGER, peer, 11, count, 1, MPI_INTEGER, MPI_ANY_SOURCE, 11, MPI_COMM_WORLD, &
                      got, error)
    call check(count == 10 * peer .and. SOURCE_OF(got) == peer .and. TAG_OF(got) == 11, 'MPI_ANY_SOURCE')
    call MPI_Sendrecv(value, 1, MPI_INTEGER, peer, 12, count, 1, MPI_INTEGER, peer, MPI_ANY_TAG, MPI_COMM_WORLD, &
                      got, error)
    call check(count == 10 * peer .and. SOURCE_OF(got) == peer .and. TAG_OF(got) == 12, 'MPI_ANY_TAG')
    call MPI_Recv(value, 1, MPI_INTEGER, MPI_PROC_NULL, 3, MPI_COMM_WORLD, got, error)
    call MPI_Get_count(got, MPI_INTEGER, count, error)
    call check(SOURCE_OF(got) == MPI_PROC_NULL .and. count == 0, 'receive from MPI_PROC_NULL')
    call MPI_Send(value, 1, MPI_INTEGER, MPI_PROC_NULL, 3, MPI_COMM_WORLD, error)
    call check(error == MPI_SUCCESS, 'send to MPI_PROC_NULL')
  end subroutine statuses

  subroutine exchanges()
    integer :: mine(300), theirs(300), left, right
    mine = rank
    theirs = -1
    right = mod(rank + 1, ranks)
    left = mod(rank + ranks - 1, ranks)
    call MPI_Sendrecv(mine, 300, MPI_INTEGER, right, 21, theirs, 300, MPI_INTEGER, left, 21, MPI_COMM_WORLD, &
                      MPI_STATUS_IGNORE, error)
    call check(all(theirs == left), 'MPI_Sendrecv around the world')
    call MPI_Sendrecv_replace(mine, 300, MPI_INTEGER, right, 22, left, 22, MPI_COMM_WORLD, got, error)
    call check(all(mine == left) .and. SOURCE_OF(got) == left, 'MPI_Sendrecv_replace around the world')
  end subroutine exchanges

  ! A column of a matrix, and two variables by their absolute addresses with MPI_BOTTOM.
  subroutine addresses()
    integer :: matrix(6, 4), one, other
    common /absolute/ one, other  ! not the compiler's to keep in registers
    integer(MPI_ADDRESS_KIND) :: places(2)
    DATATYPE :: row, pair
    integer :: lengths(2)
    REQUEST :: sent
    matrix = 0
    matrix(3, :) = (/ 1, 2, 3, 4 /) + 100 * rank
    call MPI_Type_vector(4, 1, 6, MPI_INTEGER, row, error)
    call MPI_Type_commit(row, error)
    call MPI_Isend(matrix(3, 1), 1, row, peer, 31, MPI_COMM_WORLD, sent, error)
    call MPI_Recv(matrix(5, 1), 1, row, peer, 31, MPI_COMM_WORLD, MPI_STATUS_IGNORE, error)
    call MPI_Wait(sent, MPI_STATUS_IGNORE, error)
    call check(all(matrix(5, :) == (/ 1, 2, 3, 4 /) + 100 * peer) .and. all(matrix(4, :) == 0), 'row of a matrix')
    call MPI_Type_free(row, error)
    call MPI_Get_address(one, places(1), error)
    call MPI_Get_address(other, places(2), error)
    lengths = 1
    call MPI_Type_create_hindexed(2, lengths, places, MPI_INTEGER, pair, error)
    call MPI_Type_commit(pair, error)
    one = rank + 1000
    other = rank + 2000
    call MPI_Isend(MPI_BOTTOM, 1, pair, peer, 32, MPI_COMM_WORLD, sent, error)
    call MPI_Wait(sent, MPI_STATUS_IGNORE, error)
    one = 0
    other = 0
    call MPI_Recv(MPI_BOTTOM, 1, pair, peer, 32, MPI_COMM_WORLD, MPI_STATUS_IGNORE, error)
    call check(one == peer + 1000 .and. other == peer + 2000, 'MPI_BOTTOM with absolute addresses')
    call MPI_Type_free(pair, error)
  end subroutine addresses

  subroutine nonblocking()
    integer, asynchronous :: received(50, 4), sent(50, 4)
    REQUEST :: requests(8)
    STATUSES(all_of_them, 8)
    integer :: i
    logical :: done
    do i = 1, 4
      sent(:, i) = 1000 * rank + i
      call MPI_Irecv(received(1, i), 50, MPI_INTEGER, peer, 40 + i, MPI_COMM_WORLD, requests(i), error)
    end do
    call MPI_Isend(sent(1, 1), 50, MPI_INTEGER, peer, 41, MPI_COMM_WORLD, requests(5), error)
    call MPI_Issend(sent(1, 2), 50, MPI_INTEGER, peer, 42, MPI_COMM_WORLD, requests(6), error)
    call MPI_Isend(sent(1, 3), 50, MPI_INTEGER, peer, 43, MPI_COMM_WORLD, requests(7), error)
    call MPI_Isend(sent(1, 4), 50, MPI_INTEGER, peer, 44, MPI_COMM_WORLD, requests(8), error)
    call MPI_Waitall(8, requests, all_of_them, error)
    do i = 1, 4
      call check(all(received(:, i) == 1000 * peer + i), 'nonblocking: data')
      call check(SOURCE_IN(all_of_them, i) == peer .and. TAG_IN(all_of_them, i) == 40 + i, 'nonblocking: statuses')
    end do
    call check(all_null(requests, 8), 'MPI_Waitall leaves MPI_REQUEST_NULL')
    call MPI_Irecv(received, 50, MPI_INTEGER, peer, 45, MPI_COMM_WORLD, requests(1), error)
    call MPI_Isend(sent, 50, MPI_INTEGER, peer, 45, MPI_COMM_WORLD, requests(2), error)
    requests(3) = MPI_REQUEST_NULL
    call MPI_Waitall(3, requests, MPI_STATUSES_IGNORE, error)
    call check(all(received(:, 1) == 1000 * peer + 1), 'MPI_STATUSES_IGNORE')
    call MPI_Irecv(received, 50, MPI_INTEGER, peer, 46, MPI_COMM_WORLD, requests(1), error)
    call MPI_Cancel(requests(1), error)
    call MPI_Wait(requests(1), got, error)
    call MPI_Test_cancelled(got, done, error)
    call check(done, 'cancelled receive')
  end subroutine nonblocking

  logical function all_null(requests, count)
    integer, intent(in) :: count
    REQUEST, intent(in) :: requests(count)
    integer :: i
    all_null = .true.
    do i = 1, count
      if (requests(i) /= MPI_REQUEST_NULL) all_null = .false.
    end do
  end function all_null

  subroutine persistent()
    integer, asynchronous :: incoming(20), outgoing(20)
    REQUEST :: pair(2)
    STATUSES(both, 2)
    integer :: turn
    call MPI_Recv_init(incoming, 20, MPI_INTEGER, peer, 51, MPI_COMM_WORLD, pair(1), error)
    call MPI_Send_init(outgoing, 20, MPI_INTEGER, peer, 51, MPI_COMM_WORLD, pair(2), error)
    do turn = 1, 3
      outgoing = 10 * turn + rank
      call MPI_Startall(2, pair, error)
      call MPI_Waitall(2, pair, both, error)
      call check(all(incoming == 10 * turn + peer) .and. SOURCE_IN(both, 1) == peer, 'persistent requests')
    end do
    call check(pair(1) /= MPI_REQUEST_NULL .and. pair(2) /= MPI_REQUEST_NULL, 'persistent requests stay')
    call MPI_Request_free(pair(1), error)
    call MPI_Request_free(pair(2), error)
    call check(all_null(pair, 2), 'MPI_Request_free')
  end subroutine persistent

  subroutine completions()
    integer, asynchronous :: incoming(3), outgoing(3)
    REQUEST :: requests(3), sends(3)
    STATUSES(some, 3)
    integer :: i, which, count, seen, places(3)
    logical :: flag
    outgoing = (/ 1, 2, 3 /) + 10 * rank
    incoming = 0
    do i = 1, 3
      call MPI_Irecv(incoming(i), 1, MPI_INTEGER, peer, 60 + i, MPI_COMM_WORLD, requests(i), error)
    end do
    do i = 1, 3
      call MPI_Isend(outgoing(i), 1, MPI_INTEGER, peer, 60 + i, MPI_COMM_WORLD, sends(i), error)
    end do
    call MPI_Waitany(3, requests, which, got, error)
    ! MPICH 4.0.2 counts from zero in its mpi_f08, and returns MPI_UNDEFINED + 1 in the others.
    call note(TAG_OF(got) == 60 + which)
    seen = 1
    flag = .true.
    do while (seen < 3)
      call MPI_Waitsome(3, requests, count, places, some, error)
      if (count < 1) exit
      if (TAG_IN(some, 1) /= 60 + places(1)) flag = .false.
      seen = seen + count
    end do
    call check(seen == 3, 'MPI_Waitsome')
    call note(flag)
    call check(all(incoming == (/ 1, 2, 3 /) + 10 * peer), 'completions: data')
    call MPI_Waitany(3, requests, which, got, error)
    call note(which == MPI_UNDEFINED)
    flag = .false.
    do while (.not. flag)
      call MPI_Testall(3, sends, flag, MPI_STATUSES_IGNORE, error)
    end do
    call MPI_Irecv(incoming(1), 1, MPI_INTEGER, peer, 64, MPI_COMM_WORLD, requests(1), error)
    call MPI_Send(outgoing(1), 1, MPI_INTEGER, peer, 64, MPI_COMM_WORLD, error)
    flag = .false.
    do while (.not. flag)
      call MPI_Request_get_status(requests(1), flag, got, error)
    end do
    call check(requests(1) /= MPI_REQUEST_NULL .and. TAG_OF(got) == 64, 'MPI_Request_get_status')
    flag = .false.
    do while (.not. flag)
      call MPI_Test(requests(1), flag, got, error)
    end do
    call check(requests(1) == MPI_REQUEST_NULL .and. SOURCE_OF(got) == peer, 'MPI_Test')
  end subroutine completions

  subroutine probes()
    integer :: count, values(30)
    logical :: flag
    values = rank
    call MPI_Send(values, 17, MPI_INTEGER, peer, 71, MPI_COMM_WORLD, error)
    call MPI_Probe(peer, MPI_ANY_TAG, MPI_COMM_WORLD, got, error)
    call MPI_Get_count(got, MPI_INTEGER, count, error)
    call check(count == 17 .and. TAG_OF(got) == 71 .and. SOURCE_OF(got) == peer, 'MPI_Probe')
    flag = .false.
    do while (.not. flag)
      call MPI_Iprobe(MPI_ANY_SOURCE, 71, MPI_COMM_WORLD, flag, got, error)
    end do
    call check(SOURCE_OF(got) == peer, 'MPI_Iprobe')
    call MPI_Recv(values, 30, MPI_INTEGER, SOURCE_OF(got), TAG_OF(got), MPI_COMM_WORLD, MPI_STATUS_IGNORE, error)
    call check(all(values(1:17) == peer) .and. all(values(18:) == rank), 'receive what was probed')
  end subroutine probes

  subroutine matched_probes()
    integer :: count, values(8)
    logical :: flag
    MESSAGE :: handle
    REQUEST :: pending
    values = rank
    call MPI_Send(values, 5, MPI_INTEGER, peer, 81, MPI_COMM_WORLD, error)
    call MPI_Send(values, 6, MPI_INTEGER, peer, 82, MPI_COMM_WORLD, error)
    call MPI_Mprobe(peer, 81, MPI_COMM_WORLD, handle, got, error)
    call MPI_Get_count(got, MPI_INTEGER, count, error)
    call check(count == 5 .and. handle /= MPI_MESSAGE_NULL, 'MPI_Mprobe')
    call MPI_Mrecv(values, 8, MPI_INTEGER, handle, got, error)
    call check(all(values(1:5) == peer) .and. handle == MPI_MESSAGE_NULL, 'MPI_Mrecv')
    flag = .false.
    do while (.not. flag)
      call MPI_Improbe(MPI_ANY_SOURCE, 82, MPI_COMM_WORLD, flag, handle, got, error)
    end do
    values = -1
    call MPI_Imrecv(values, 8, MPI_INTEGER, handle, pending, error)
    call MPI_Wait(pending, got, error)
    call check(all(values(1:6) == peer) .and. SOURCE_OF(got) == peer, 'MPI_Improbe and MPI_Imrecv')
  end subroutine matched_probes
end program messages
