! Checks for Fortran test programs, as tests/support/checks.hpp has them for C++.
module checks
  implicit none
  integer, save :: made = 0, failed = 0, own_rank = -1
  character(40), save :: notes = ''
contains
  ! A failed check says which and goes on; finish() counts it.
  subroutine check(good, what)
    logical, intent(in) :: good
    character(*), intent(in) :: what
    made = made + 1
    if (good) return
    failed = failed + 1
    write (0, '(a, i0, 2a)') 'FAILED rank ', own_rank, ': ', what
    flush (0)
  end subroutine check

  ! Where hosts differ, or have a fault: the answer has to be that of the bare host, whatever that is.
  subroutine note(answer)
    logical, intent(in) :: answer
    notes = trim(notes) // merge('t', 'f', answer)
  end subroutine note

  ! Whether a topic is among the program's arguments. Without arguments all are.
  logical function wanted(topic)
    character(*), intent(in) :: topic
    character(20) :: word
    integer :: i
    wanted = command_argument_count() == 0
    do i = 1, command_argument_count()
      call get_command_argument(i, word)
      if (word == topic) wanted = .true.
    end do
  end function wanted

  subroutine finish()
    character(6) :: verdict
    verdict = merge('PASSED', 'FAILED', failed == 0)
    print '(2a, i0, a, i0, a, i0, 2a)', verdict, ' rank ', own_rank, ': ', made, ' checks, ', failed, &
      ' failed, notes ', trim(notes)
    flush (6)
  end subroutine finish
end module checks
