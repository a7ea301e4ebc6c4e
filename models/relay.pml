/* The relay path of one flow: transmit ring, ingress, mailbox under a quota, egress, receiver.
 *
 * Self-composition: two copies of the system, 0 and 1. The low side (sender and ingress) takes the same steps in the
 * same order in both; the high side (egress and receiver) takes its own in each, in any order, as often as it likes. If
 * no information flows down, then what the sender can observe is the same in both copies after every step, whatever the
 * two high sides do. What the sender can observe: whether there was room for a frame, how much of its ring ingress has
 * emptied, and whether ingress wants its doorbell rung.
 *
 * Checked besides: no frame is lost, repeated or reordered unless the flow is broken, which the receiver is told by its
 * end; no frame is written over one that the receiver may still read; nobody waits for ever.
 *
 * Seeded faults (cc -D... through spin -D...), each of which some check must catch; models/test_models.py runs them:
 *   ACKNOWLEDGE     egress tells the sender what the receiver has read
 *   SHARED_CREDIT   the sender may only send what fits into the mailbox
 *   BLOCKING_WRITE  ingress waits for a free segment
 *   INGRESS_WAKES   ingress wakes the receiver itself, which takes longer when it sleeps
 *   LOSE_WHEN_FULL  ingress drops frames for which there is no segment, and goes on
 *   REUSE_EARLY     egress takes back segments that the receiver has not released
 *   NO_LATE_LOOK    ingress does not look at the ring once more a while after it fell asleep
 *
 * A sender's processor may hold the stores of its newest frames back while it already reads whether ingress wants to be
 * woken, as there is no fence between (wire/transmit.hpp), though never as long as ingress waits before its late look.
 */

#ifndef MESSAGES
#define MESSAGES 4     /* that the sender tries to send, one frame each */
#endif
#define RING 2         /* frames that the transmit ring holds */
#define SEGMENTS 2     /* of the quota, one frame each */
#define NONE 255

typedef Copy {
  /* Transmit ring: frame k lies in slot k % RING. */
  byte written;         /* frames that the sender has written */
  byte held;            /* the newest of those, which nobody else sees yet */
  byte emptied;         /* frames that ingress has taken, as the sender reads it */
  bool wish;            /* ingress wants the doorbell: it sleeps or is about to */
  bool asleep;          /* it sleeps */
  bool late;            /* and has looked at the ring once more a while after */
  bool bell;            /* rung, and not yet answered */
  bool unrung;          /* the sender has written a frame and not yet looked at the wish */
  /* Mailbox: the order in which segments were handed out is the order of frames. */
  byte segment[SEGMENTS];  /* number of the frame in it, NONE if it is free */
  byte put;             /* frames that ingress has put into the mailbox or the spare segment */
  byte delivered;       /* of those, into the mailbox */
  bool broken;          /* the quota was used up */
  bool gap;             /* a frame was left out and a later one delivered */
  /* Receiver. */
  byte read;            /* frames that it has read */
  byte released;        /* frames whose segments it has released */
  byte reclaimed;       /* frames whose segments egress has taken back */
  bool sleeping;        /* it waits to be woken */
  bool ended;           /* by its own doing, or by the guard: stop-receiver */
  /* What the sender saw last. */
  byte seen_room;
  byte seen_emptied;
  bool seen_wish;
  byte acknowledged;    /* only a seeded fault sets it */
  byte waking;          /* steps that a seeded fault spends on a receiver that sleeps */
};

Copy copy[2];
byte tried;             /* sends tried so far: the same in both copies */

/* A free segment of copy c, or NONE. */
inline find_segment(c, index) {
  index = NONE;
  if
  :: copy[c].segment[0] == NONE -> index = 0
  :: copy[c].segment[0] != NONE && copy[c].segment[1] == NONE -> index = 1
  :: else
  fi
}

/* Ingress: the frame in hand into the mailbox, or into the spare segment once the flow is broken. */
inline deliver(c, index) {
  find_segment(c, index);
  if
  :: index != NONE && !copy[c].broken ->
     if :: copy[c].put != copy[c].delivered -> copy[c].gap = true :: else fi;
     copy[c].segment[index] = copy[c].put;
     copy[c].delivered++
  :: else ->
#ifndef LOSE_WHEN_FULL
     copy[c].broken = true
#else
     skip
#endif
  fi;
  copy[c].put++
}

/* One attempt to send. */
inline try_send(c) {
  copy[c].seen_room = RING - (copy[c].written - copy[c].emptied);
#ifdef SHARED_CREDIT
  if
  :: copy[c].written - copy[c].reclaimed >= SEGMENTS -> copy[c].seen_room = 0
  :: else
  fi;
#endif
  if
  :: copy[c].seen_room > 0 ->
     copy[c].written++;
     copy[c].held++;
     copy[c].unrung = true
  :: else
  fi
}

/* After a frame: ring the doorbell if ingress wants it. */
inline ring_if_wanted(c) {
  if :: copy[c].unrung && copy[c].wish -> copy[c].bell = true :: else fi;
  copy[c].unrung = false
}

/* Ingress has found nothing some time ago and decides to sleep. */
inline decide_to_sleep(c) {
  if :: !copy[c].wish -> copy[c].wish = true :: else fi
}

/* One turn of ingress: a frame, a second look before it sleeps, a late look while it sleeps, or waking. */
inline ingress_turn(c, index) {
  if
#ifdef INGRESS_WAKES
  :: copy[c].waking > 0 -> copy[c].waking--
  :: copy[c].waking == 0 && !copy[c].wish && copy[c].emptied < copy[c].written - copy[c].held ->
#else
  :: !copy[c].wish && copy[c].emptied < copy[c].written - copy[c].held ->
#endif
#ifdef BLOCKING_WRITE
     find_segment(c, index);
     if
     :: index == NONE -> skip
     :: else -> deliver(c, index); copy[c].emptied++
     fi
#else
     deliver(c, index);
     copy[c].emptied++
#endif
#ifdef INGRESS_WAKES
     ;
     if :: copy[c].sleeping -> copy[c].sleeping = false; copy[c].waking = 1 :: else fi
#endif
  :: copy[c].wish && !copy[c].asleep ->
     if
     :: copy[c].emptied < copy[c].written - copy[c].held -> copy[c].wish = false
     :: else ->
        copy[c].asleep = true
#ifdef NO_LATE_LOOK
        ;
        copy[c].late = true
#endif
     fi
  :: copy[c].asleep && !copy[c].bell && !copy[c].late && copy[c].held == 0 ->
     if
     :: copy[c].emptied < copy[c].written -> copy[c].asleep = false; copy[c].wish = false
     :: else -> copy[c].late = true
     fi
  :: copy[c].asleep && copy[c].bell ->
     copy[c].bell = false;
     copy[c].asleep = false;
     copy[c].late = false;
     copy[c].wish = false
  :: else
  fi
}

inline look(c) {
  copy[c].seen_emptied = copy[c].emptied;
  copy[c].seen_wish = copy[c].wish
}

/* What the two senders see is the same. */
inline compare() {
  assert(copy[0].seen_room == copy[1].seen_room);
  assert(copy[0].seen_emptied == copy[1].seen_emptied);
  assert(copy[0].seen_wish == copy[1].seen_wish);
  assert(copy[0].acknowledged == copy[1].acknowledged)
}

/* Sender and ingress of both copies, in the same steps. The order of their steps is free. */
active proctype low() {
  byte index;
  do
  :: tried < MESSAGES && !copy[0].unrung && !copy[1].unrung ->
     atomic { try_send(0); try_send(1); tried++; look(0); look(1); compare() }
  :: copy[0].unrung || copy[1].unrung ->
     atomic { ring_if_wanted(0); ring_if_wanted(1); look(0); look(1); compare() }
  /* Stores that were held back are seen. */
  :: copy[0].held > 0 || copy[1].held > 0 ->
     atomic { copy[0].held = 0; copy[1].held = 0 }
  :: !copy[0].asleep || !copy[1].asleep || copy[0].bell || copy[1].bell || !copy[0].late || !copy[1].late ->
     atomic { ingress_turn(0, index); ingress_turn(1, index); look(0); look(1); compare() }
  :: !copy[0].wish || !copy[1].wish ->
     atomic { decide_to_sleep(0); decide_to_sleep(1); look(0); look(1); compare() }
  :: tried == MESSAGES && copy[0].emptied == copy[0].written && copy[1].emptied == copy[1].written &&
     copy[0].asleep && copy[1].asleep && copy[0].late && copy[1].late && !copy[0].bell && !copy[1].bell &&
     !copy[0].unrung && !copy[1].unrung -> break
  od;
  /* All that was sent has been put, and what the receiver was not told of has broken the flow. */
  assert(copy[0].put == copy[0].written && copy[1].put == copy[1].written);
  assert(copy[0].delivered == copy[0].put || copy[0].broken);
  assert(copy[1].delivered == copy[1].put || copy[1].broken)
}

/* The receiver of one copy: reads, releases, sleeps, stops reading for ever, or ends. */
proctype receiver(byte c) {
  byte index;
end:
  do
  :: !copy[c].ended && !copy[c].sleeping && copy[c].read < copy[c].delivered ->
     atomic {
       index = 0;
       if
       :: copy[c].segment[0] == copy[c].read -> index = 0
       :: copy[c].segment[1] == copy[c].read -> index = 1
       :: else -> assert(false)  /* overwritten or lost before it was read */
       fi;
       assert(!copy[c].gap);
       copy[c].read++
     }
  :: atomic { !copy[c].ended && copy[c].released < copy[c].read -> copy[c].released++ }
  :: atomic { !copy[c].ended && !copy[c].sleeping && copy[c].read == copy[c].delivered -> copy[c].sleeping = true }
  :: atomic { !copy[c].ended -> copy[c].ended = true }
  od
}

/* Egress of one copy: takes back released segments, wakes the receiver, has it ended when the flow is broken. */
proctype egress(byte c) {
end:
  do
#ifdef REUSE_EARLY
  :: atomic { copy[c].reclaimed < copy[c].delivered ->
#else
  :: atomic { copy[c].reclaimed < copy[c].released ->
#endif
       if
       :: copy[c].segment[0] == copy[c].reclaimed -> copy[c].segment[0] = NONE
       :: else -> copy[c].segment[1] = NONE
       fi;
       copy[c].reclaimed++;
#ifdef ACKNOWLEDGE
       copy[c].acknowledged = copy[c].reclaimed
#else
       skip
#endif
     }
  :: atomic { copy[c].sleeping && !copy[c].ended && copy[c].read < copy[c].delivered -> copy[c].sleeping = false }
  :: atomic { copy[c].broken && !copy[c].ended -> copy[c].ended = true }
  od
}

init {
  atomic {
    copy[0].segment[0] = NONE; copy[0].segment[1] = NONE;
    copy[1].segment[0] = NONE; copy[1].segment[1] = NONE;
    run receiver(0); run receiver(1);
    run egress(0); run egress(1)
  }
}
