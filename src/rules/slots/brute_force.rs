//! Assignments, against looking at everything where that is possible.

use crate::rules::slots::assign::Assignment;
use crate::rules::slots::assign::MOST_STEPS;
use crate::rules::slots::assign::Piece;
use crate::rules::slots::assign::Problem;

fn problem(rooms: &[u32], pieces: &[(u32, usize)]) -> Problem {
    let all = (0..rooms.len()).collect();
    let piece = |(disks, server): &(u32, usize)| Piece {
        disks: *disks,
        machines: 1,
        server: *server,
        fixed: false,
        class: 0,
    };
    Problem { rooms: rooms.to_vec(), classes: vec![all], pieces: pieces.iter().map(piece).collect() }
}

fn fewer(problem: &Problem) -> Option<Assignment> {
    problem.fewer_waves(&(0..problem.pieces.len()).collect::<Vec<_>>(), &mut steps())
}

fn steps() -> u32 {
    MOST_STEPS
}

#[test]
fn a_second_server_with_room_saves_a_wave() {
    let problem = problem(&[10, 10], &[(6, 0), (6, 0)]);
    let found = fewer(&problem).expect("all fit");
    assert_eq!((found.waves, found.moved, found.at_least), (1, 1, 1));
    assert_eq!(problem.waves(&found.server_of), [Some(1), Some(1)]);
}

#[test]
fn as_few_machines_move_as_needed() {
    let mut problem = problem(&[10, 10], &[(4, 0), (4, 0), (8, 0)]);
    problem.pieces[0].machines = 2;
    problem.pieces[1].machines = 2;
    problem.pieces[2].machines = 3;
    let found = fewer(&problem).expect("all fit");
    assert_eq!((found.waves, found.moved), (1, 3));
    assert_eq!(found.server_of, [0, 0, 1]);
}

#[test]
fn what_is_attached_stays_where_it_is() {
    let mut problem = problem(&[10, 10], &[(6, 0), (6, 0)]);
    problem.pieces[0].fixed = true;
    let found = fewer(&problem).expect("all fit");
    assert_eq!(found.server_of, [0, 1]);
    problem.pieces[1].fixed = true;
    let found = fewer(&problem).expect("all fit");
    assert_eq!((found.waves, found.moved), (2, 0));
}

#[test]
fn a_server_that_can_t_take_a_piece_does_not_get_it() {
    let mut problem = problem(&[10, 10], &[(6, 0), (6, 0)]);
    problem.classes = vec![vec![0]];
    let found = fewer(&problem).expect("all fit");
    assert_eq!((found.waves, found.moved, found.at_least), (2, 0, 2));
}

#[test]
fn what_is_too_large_goes_where_it_fits_and_nothing_else_moves() {
    let problem = problem(&[10, 12, 20], &[(11, 0), (5, 0), (12, 1), (21, 1)]);
    let (server_of, nowhere) = problem.feasible();
    assert_eq!((server_of, nowhere), (vec![2, 0, 1, 1], vec![3]));
    assert_eq!(fewer(&problem), None);
}

#[test]
fn servers_that_share_no_machine_are_apart() {
    let mut problem = problem(&[10, 10, 10], &[(6, 0), (6, 1), (6, 2), (6, 0)]);
    problem.classes = vec![vec![0, 2], vec![1]];
    problem.pieces[1].class = 1;
    assert_eq!(problem.parts(), [vec![0, 2, 3], vec![1]]);
}

/// Looks at everything: the fewest waves, and then the fewest moved machines.
fn brute_force(problem: &Problem) -> Option<(u32, u32)> {
    let mut best = None;
    let mut server_of = vec![0; problem.pieces.len()];
    loop {
        let is_allowed = |(piece, server): (&Piece, &usize)| {
            *server == piece.server || (!piece.fixed && problem.classes[piece.class].contains(server))
        };
        if problem.pieces.iter().zip(&server_of).all(is_allowed) {
            let waves: Option<Vec<u32>> = problem.waves(&server_of).into_iter().collect();
            if let Some(waves) = waves.and_then(|waves| waves.into_iter().max()) {
                let found = (waves, problem.moved(&server_of));
                best = Some(best.map_or(found, |best: (u32, u32)| best.min(found)));
            }
        }
        let Some(at) = server_of.iter().position(|server| *server + 1 < problem.rooms.len()) else {
            return best;
        };
        server_of[at] += 1;
        server_of[..at].fill(0);
    }
}

proptest::proptest! {
    #[test]
    fn a_small_case_is_solved_as_by_looking_at_everything(
        rooms in proptest::collection::vec(4_u32..12, 1..4),
        pieces in proptest::collection::vec((1_u32..7, 0_usize..4, proptest::bool::weighted(0.1), 0_usize..3), 1..6),
        classes in proptest::collection::vec(0_u8..8, 3),
    ) {
        let servers = rooms.len();
        // A piece can always stay where it is.
        let class = |of: &(u32, usize, bool, usize)| {
            (0..servers).filter(|at| classes[of.3] & (1 << at) != 0 || *at == of.1 % servers).collect()
        };
        let piece = |(at, (disks, server, fixed, _)): (usize, &(u32, usize, bool, usize))| Piece {
            disks: *disks, machines: 1 + disks % 2, server: server % servers, fixed: *fixed, class: at,
        };
        let classes = pieces.iter().map(class).collect();
        let problem = Problem { rooms, classes, pieces: pieces.iter().enumerate().map(piece).collect() };
        if problem.waves(&problem.present()).iter().all(Option::is_some) {
            let mut now = 0;
            for part in problem.parts() {
                let found = problem.fewer_waves(&part, &mut steps()).expect("all fit");
                proptest::prop_assert!(found.at_least <= found.waves);
                now = now.max(found.waves);
            }
            let (fewest, _) = brute_force(&problem).expect("the present assignment is one");
            proptest::prop_assert!(now >= fewest);
            // What is attached now comes in the first wave, which the search for few moves does not look at.
            if problem.pieces.iter().all(|piece| !piece.fixed) {
                proptest::prop_assert_eq!(now, fewest);
            }
            if fewest == 1 {
                proptest::prop_assert_eq!(now, 1);
                let (whole, parts) = (brute_force(&problem).map(|(_, moved)| moved), problem.parts());
                let moved: u32 = parts.iter().filter_map(|part| Some(problem.fewer_waves(part, &mut steps())?.moved)).sum();
                proptest::prop_assert_eq!(Some(moved), whole);
            }
        }
    }
}
