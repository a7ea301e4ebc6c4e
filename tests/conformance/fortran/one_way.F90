! Two subjects of equal size, and only the lower half of the world may send to the other: what is refused, by name.
#include "binding.inc"
program one_way
  USE_MPI
  use checks
  implicit none
  INCLUDE_MPI
  integer :: rank, ranks, peer, error, value, code
  logical :: low
  STATUS(got)
  REQUEST :: pending

  call MPI_Init(error)
  call MPI_Comm_rank(MPI_COMM_WORLD, rank, error)
  call MPI_Comm_size(MPI_COMM_WORLD, ranks, error)
  own_rank = rank
  low = rank < ranks / 2
  peer = mod(rank + ranks / 2, ranks)
  call MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN, error)
  call predefined_attributes()
  if (low) then
    call MPI_Recv(value, 1, MPI_INTEGER, peer, 1, MPI_COMM_WORLD, got, code)
    call check(is_refusal(code, 'MPI_Recv'), 'receive from above')
    call MPI_Irecv(value, 1, MPI_INTEGER, peer, 1, MPI_COMM_WORLD, pending, code)
    call check(is_refusal(code, 'MPI_Irecv'), 'nonblocking receive from above')
    call MPI_Probe(peer, 1, MPI_COMM_WORLD, got, code)
    call check(is_refusal(code, 'MPI_Probe'), 'probe from above')
    call MPI_Ssend(rank, 1, MPI_INTEGER, peer, 1, MPI_COMM_WORLD, code)
    call check(is_refusal(code, 'MPI_Ssend'), 'synchronous send upwards')
    call MPI_Send(rank, 1, MPI_INTEGER, peer, 1, MPI_COMM_WORLD, code)
    call check(code == MPI_SUCCESS, 'send upwards')
  else
    call MPI_Send(rank, 1, MPI_INTEGER, peer, 1, MPI_COMM_WORLD, code)
    call check(is_refusal(code, 'MPI_Send'), 'send downwards')
    call MPI_Isend(rank, 1, MPI_INTEGER, peer, 1, MPI_COMM_WORLD, pending, code)
    call check(is_refusal(code, 'MPI_Isend'), 'nonblocking send downwards')
    call MPI_Recv(value, 1, MPI_INTEGER, peer, 1, MPI_COMM_WORLD, got, code)
    call check(code == MPI_SUCCESS .and. value == peer .and. SOURCE_OF(got) == peer, 'receive from below')
  end if
  call MPI_Barrier(MPI_COMM_WORLD, code)
  call check(is_refusal(code, 'MPI_Barrier'), 'barrier of both')
  call finish()
  call MPI_Finalize(error)

contains

  ! They are those of the run, not of the subject's own job.
  subroutine predefined_attributes()
    integer(MPI_ADDRESS_KIND) :: answer
    logical :: found
#if BINDING != 2008
    integer :: short_answer
#endif
    call MPI_Comm_get_attr(MPI_COMM_WORLD, MPI_TAG_UB, answer, found, error)
    call check(found .and. answer >= 32767 .and. answer < 2**28, 'MPI_TAG_UB')
    call MPI_Comm_get_attr(MPI_COMM_WORLD, MPI_UNIVERSE_SIZE, answer, found, error)
    call check(answer == ranks .or. .not. found, 'MPI_UNIVERSE_SIZE')
    call MPI_Comm_get_attr(MPI_COMM_WORLD, MPI_APPNUM, answer, found, error)
    call check(found .and. answer == merge(0, 1, low), 'MPI_APPNUM')
    call MPI_Comm_get_attr(MPI_COMM_WORLD, MPI_WTIME_IS_GLOBAL, answer, found, error)
    call check(found .and. answer == 0, 'MPI_WTIME_IS_GLOBAL')
#if BINDING != 2008
    call MPI_Attr_get(MPI_COMM_WORLD, MPI_APPNUM, short_answer, found, error)
    call check(found .and. short_answer == merge(0, 1, low), 'MPI_APPNUM by MPI_Attr_get')
#endif
  end subroutine predefined_attributes

  ! Whether a code is Sluice's: not one of MPI's own classes, with a text that names the call and who may not send.
  logical function is_refusal(number, function_name)
    integer, intent(in) :: number
    character(*), intent(in) :: function_name
    character(MPI_MAX_ERROR_STRING) :: text
    integer :: length, error_class, ierror
    is_refusal = .false.
    if (number == MPI_SUCCESS) return
    call MPI_Error_class(number, error_class, ierror)
    call MPI_Error_string(number, text, length, ierror)
    is_refusal = error_class > MPI_ERR_LASTCODE .and. index(text, function_name) == 1 .and. &
                 index(text, 'UNCLASSIFIED') > 0 .and. index(text, 'SECRET') > 0
    if (.not. is_refusal) write (0, *) function_name, error_class, ' ', trim(text)
  end function is_refusal
end program one_way
