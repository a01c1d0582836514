use super::{answers::MAX_ANSWERS, *};
use proptest::prelude::*;

const BLOCK: Duration = Duration::from_secs(3);

fn spec(model: u8, input: u32) -> RunSpec {
	let mut input_root = [0; 32];
	input_root[..4].copy_from_slice(&input.to_le_bytes());
	RunSpec { model: [model; 32], input_root, lie: None }
}

fn terms(class: Class, deadline: u64) -> Terms {
	Terms { class, deadline, at_stake: 1_000, job: 0 }
}

fn submission(request: Request, terms: Terms, bytes: usize) -> (RequestId, Submission) {
	(request.id(), Submission { request, terms, input: vec![0; bytes] })
}

/// A plain run of model 1.
fn run(input: u32, class: Class, deadline: u64) -> (RequestId, Submission) {
	submission(Request::Run(spec(1, input)), terms(class, deadline), 256)
}

fn trace(input: u32, class: Class, deadline: u64) -> (RequestId, Submission) {
	submission(Request::Trace(spec(1, input)), terms(class, deadline), 256)
}

fn output(bytes: usize) -> Response {
	Response::Run { output_root: [5; 32], output: vec![7; bytes] }
}

fn root_of(poll: Poll) -> Option<usize> {
	use codec::Decode;
	match poll {
		Poll::Ready(bytes) => match Response::decode(&mut &bytes[..]).expect("it decodes") {
			Response::Run { output, .. } => Some(output.len()),
			other => panic!("{other:?}"),
		},
		Poll::Not(_) => None,
	}
}

fn status_of(poll: Poll) -> Status {
	match poll {
		Poll::Not(status) => status,
		Poll::Ready(_) => Status::Ready,
	}
}

/// A queue with room for so many requests of 256 bytes in each class.
fn small(count: usize) -> Queue {
	Queue::with_rooms(2, BLOCK, [Bounds { count, bytes: count * (OVERHEAD + 256) }; CLASSES])
}

impl Queue {
	fn put(&mut self, (id, submission): (RequestId, Submission), now: Instant) -> Status {
		self.submit(id, submission, now)
	}

	/// Inputs of all that wait, in the order in which they are taken and answered.
	fn drain(&mut self, now: Instant) -> Vec<u32> {
		let mut taken = Vec::new();
		while let Some(work) = self.take(Taker::General, now) {
			let root = work.request.spec().input_root;
			taken.push(u32::from_le_bytes(root[..4].try_into().expect("four bytes")));
			self.answer(work.id, &output(0), now);
		}
		taken
	}

	/// Everything that is counted in two places agrees.
	fn check(&self) {
		let mut work = [0; CLASSES];
		let mut running = [0; CLASSES];
		let mut answers = 0;
		let mut count = [0; CLASSES];
		let mut bytes = [0; CLASSES];
		for entry in self.entries.values() {
			match entry {
				Entry::Waiting(it) => {
					count[it.class as usize] += 1;
					bytes[it.class as usize] += it.place.size;
					work[it.class as usize] += self.costs.estimate(it.place.model, it.place.kind);
				},
				Entry::Running(it) => {
					running[it.charged as usize] += 1;
					work[it.charged as usize] += self.costs.estimate(it.model, it.kind);
				},
				Entry::Answered(_) => answers += 1,
			}
		}
		assert_eq!(Class::ALL.map(|class| self.costs.work(class)), work);
		assert_eq!(self.running, running);
		assert_eq!(self.answers(), answers);
		assert_eq!(Class::ALL.map(|class| self.waiting(class)), count);
		assert_eq!(Class::ALL.map(|class| self.rooms[class as usize].bytes()), bytes);
	}
}

#[test]
fn better_classes_and_earlier_deadlines_go_first() {
	let now = Instant::now();
	let mut queue = Queue::new(2, BLOCK);
	let expected = [
		(1, Class::Move, 90),
		(2, Class::Trace, 80),
		(3, Class::Job, 50),
		(4, Class::Job, 70),
		(5, Class::Job, 70),
		(6, Class::Watch, 10),
		(7, Class::Watch, 20),
		(8, Class::Other, 1),
	];
	for index in [7, 3, 1, 5, 0, 6, 2, 4] {
		let (input, class, deadline) = expected[index];
		assert_eq!(queue.put(run(input, class, deadline), now), Status::Queued);
	}
	queue.check();
	assert_eq!(queue.drain(now), [1, 2, 3, 4, 5, 6, 7, 8]);
	queue.check();
}

#[test]
fn asking_again_makes_urgent() {
	let now = Instant::now();
	let mut queue = small(4);
	for input in 0..4 {
		queue.put(run(input, Class::Watch, 50), now);
	}
	let urgent = |input| run(input, Class::Watch, 50).0;
	// An earlier deadline, a later one, a better class, and a worse one.
	assert_eq!(status_of(queue.poll(&urgent(3), Class::Watch, 40, now)), Status::Queued);
	queue.poll(&urgent(3), Class::Watch, 90, now);
	queue.poll(&urgent(2), Class::Job, 60, now);
	queue.poll(&urgent(2), Class::Other, 60, now);
	// The same by submitting.
	assert_eq!(queue.put(run(1, Class::Watch, 45), now), Status::Queued);
	queue.check();
	assert_eq!(queue.waiting(Class::Job), 1);
	assert_eq!(queue.drain(now), [2, 3, 1, 0]);
}

#[test]
fn a_better_class_without_room_leaves_a_request_where_it_is() {
	let now = Instant::now();
	let mut queue = small(2);
	queue.put(run(0, Class::Job, 10), now);
	queue.put(run(1, Class::Job, 10), now);
	queue.put(run(2, Class::Watch, 30), now);
	let id = run(2, Class::Watch, 30).0;
	queue.poll(&id, Class::Job, 20, now);
	queue.check();
	assert_eq!((queue.waiting(Class::Job), queue.waiting(Class::Watch)), (2, 1));
	assert_eq!(queue.take_refusals(), [0; CLASSES]);
	// More urgent than one that is there, it takes its place.
	queue.poll(&id, Class::Job, 5, now);
	queue.check();
	assert_eq!((queue.waiting(Class::Job), queue.waiting(Class::Watch)), (2, 0));
	assert_eq!(queue.take_refusals(), [0, 0, 1, 0, 0]);
	assert_eq!(queue.drain(now), [2, 0]);
	assert_eq!(
		status_of(queue.poll(&run(1, Class::Job, 10).0, Class::Job, 10, now)),
		Status::Unknown
	);
}

#[test]
fn a_full_class_takes_what_is_more_urgent_and_says_so_otherwise() {
	let now = Instant::now();
	for class in [Class::Move, Class::Trace, Class::Job, Class::Other] {
		let mut queue = small(3);
		for input in 0..3 {
			assert_eq!(queue.put(run(input, class, 10 + u64::from(input)), now), Status::Queued);
		}
		assert_eq!(queue.put(run(3, class, 12), now), Status::Full);
		assert_eq!(queue.put(run(4, class, 11), now), Status::Queued);
		assert_eq!(status_of(queue.poll(&run(2, class, 0).0, class, 12, now)), Status::Unknown);
		assert_eq!(queue.take_refusals()[class as usize], 2);
		queue.check();
		assert_eq!(queue.drain(now), [0, 1, 4]);
	}
}

#[test]
fn claims_are_worth_what_depends_on_them_for_their_time() {
	let now = Instant::now();
	let mut queue = small(3);
	queue.measured(&[1; 32], Kind::Run, Duration::from_micros(100));
	queue.measured(&[2; 32], Kind::Run, Duration::from_micros(10_000));
	let claim = |model, input, at_stake| {
		let terms = Terms { at_stake, ..terms(Class::Watch, 50) };
		submission(Request::Run(spec(model, input)), terms, 256)
	};
	// Worth 10, 10 and 1.
	queue.put(claim(1, 0, 1_000), now);
	queue.put(claim(2, 1, 100_000), now);
	queue.put(claim(2, 2, 10_000), now);
	// Worth as little as the least, then more than one, than two, and less than all.
	assert_eq!(queue.put(claim(1, 3, 100), now), Status::Full);
	assert_eq!(queue.put(claim(1, 4, 2_000), now), Status::Queued);
	assert_eq!(status_of(queue.poll(&claim(2, 2, 0).0, Class::Watch, 50, now)), Status::Unknown);
	assert_eq!(queue.put(claim(2, 5, 150_000), now), Status::Queued);
	assert_eq!(queue.put(claim(2, 6, 90_000), now), Status::Full);
	queue.check();
	let kept = [4, 1, 5].map(|input| spec(if input == 4 { 1 } else { 2 }, input));
	let kept =
		kept.map(|spec| status_of(queue.poll(&Request::Run(spec).id(), Class::Watch, 50, now)));
	// Of equal worth the later arrival went.
	assert_eq!(kept, [Status::Queued, Status::Unknown, Status::Queued]);
}

#[test]
fn a_cheap_claim_does_not_hide_an_equal_dear_one() {
	let now = Instant::now();
	let mut queue = small(2);
	let claim = |input, at_stake| {
		let terms = Terms { at_stake, ..terms(Class::Watch, 50) };
		submission(Request::Run(spec(1, input)), terms, 256)
	};
	queue.put(claim(0, 1), now);
	queue.put(claim(1, 5), now);
	queue.stake(&claim(0, 0).0, 100);
	queue.stake(&claim(0, 0).0, 3);
	assert_eq!(queue.put(claim(2, 50), now), Status::Queued);
	queue.check();
	assert_eq!(queue.drain(now), [0, 2]);
}

#[test]
fn no_class_takes_the_room_of_another() {
	let now = Instant::now();
	let mut queue = Queue::new(2, BLOCK);
	// Ten thousand inputs of 1 MiB for the watcher: it keeps what it has room for.
	let mut kept = 0;
	for input in 0..10_000 {
		let big = submission(Request::Run(spec(1, input)), terms(Class::Watch, 50), 1 << 20);
		match queue.put(big, now) {
			Status::Queued => kept += 1,
			status => assert_eq!(status, Status::Full),
		}
	}
	assert_eq!(kept, 63);
	assert_eq!(queue.take_refusals(), [0, 0, 0, 10_000 - 63, 0]);
	for class in [Class::Move, Class::Trace, Class::Job, Class::Other] {
		let big =
			submission(Request::Run(spec(1, 20_000 + class as u32)), terms(class, 50), 7 << 20);
		assert_eq!(queue.put(big, now), Status::Queued);
	}
	for input in 0..10_000 {
		assert_eq!(queue.put(run(30_000 + input, Class::Job, 50), now), Status::Queued);
	}
	queue.check();
	let next = queue.take(Taker::General, now).map(|work| work.input.len());
	assert_eq!(next, Some(7 << 20));
}

#[test]
fn equal_requests_are_one() {
	let now = Instant::now();
	let mut queue = Queue::new(2, BLOCK);
	for _ in 0..50_000 {
		assert_eq!(queue.put(run(1, Class::Watch, 50), now), Status::Queued);
	}
	let work = queue.take(Taker::General, now).expect("there is one");
	assert_eq!(queue.put(run(1, Class::Watch, 50), now), Status::Running);
	assert!(queue.take(Taker::General, now).is_none());
	queue.answer(work.id, &output(10), now);
	assert_eq!(queue.put(run(1, Class::Watch, 50), now), Status::Ready);
	assert_eq!(root_of(queue.poll(&work.id, Class::Watch, 50, now)), Some(10));
	queue.check();
}

#[test]
fn what_needs_a_trace_waits_for_who_makes_it() {
	let now = Instant::now();
	let mut queue = Queue::new(4, BLOCK);
	let open = |index| {
		let node = assay_referee::NodeKey {
			object: assay_referee::Object::Trace,
			level: assay_referee::NodeKey::TOP,
			index,
		};
		let open = Request::Open { spec: spec(1, 1), node };
		submission(open, terms(Class::Move, 20), 256)
	};
	queue.put(trace(1, Class::Trace, 30), now);
	let first = queue.take(Taker::General, now).expect("the trace");
	queue.put(open(0), now);
	queue.put(open(1), now);
	queue.put(run(1, Class::Job, 40), now);
	queue.put(run(2, Class::Job, 50), now);
	// Only the run of another input is free; who waits may become more urgent meanwhile.
	let other = queue.take(Taker::General, now).expect("another run");
	assert_eq!(other.request.spec().input_root, spec(1, 2).input_root);
	assert!(queue.take(Taker::General, now).is_none());
	assert_eq!(
		status_of(queue.poll(&run(1, Class::Job, 40).0, Class::Move, 10, now)),
		Status::Queued
	);
	queue.check();
	queue.answer(first.id, &Response::Agree, now);
	queue.check();
	assert_eq!(queue.take(Taker::General, now).expect("the run").id, run(1, Class::Job, 40).0);
	assert_eq!(queue.take(Taker::General, now).expect("an opening").id, open(0).0);
	// Openings of one trace one after the other.
	assert!(queue.take(Taker::General, now).is_none());
	queue.abandon(&open(0).0);
	assert_eq!(queue.take(Taker::General, now).expect("the next").id, open(1).0);
	queue.check();
}

#[test]
fn late_requests_are_done_last_and_go_first() {
	let now = Instant::now();
	let mut queue = small(3);
	queue.at_block(10, now);
	queue.put(run(0, Class::Job, 11), now);
	queue.put(run(1, Class::Job, 9), now);
	queue.put(run(2, Class::Job, 30), now);
	queue.at_block(12, now);
	// Asking again does not make it early.
	queue.poll(&run(0, Class::Job, 11).0, Class::Job, 11, now);
	assert_eq!(queue.put(run(3, Class::Job, 40), now), Status::Queued);
	queue.check();
	assert_eq!(queue.drain(now), [2, 3, 0]);
	queue.put(run(4, Class::Job, 5), now);
	assert_eq!(queue.drain(now), [4]);
}

#[test]
fn with_enough_time_the_earliest_deadline_is_first_and_without_the_most_valuable() {
	let now = Instant::now();
	let mut queue = Queue::new(1, BLOCK);
	queue.measured(&[1; 32], Kind::Run, Duration::from_secs(1));
	queue.at_block(100, now);
	let claim = |input, deadline, at_stake| {
		let terms = Terms { at_stake, ..terms(Class::Watch, deadline) };
		submission(Request::Run(spec(1, input)), terms, 256)
	};
	// Five seconds of work, five in two blocks: all in time, whatever they are worth.
	for (input, deadline, at_stake) in
		[(0, 102, 1), (1, 101, 2), (2, 110, 9), (3, 101, 3), (4, 102, 4)]
	{
		queue.put(claim(input, deadline, at_stake), now);
	}
	assert_eq!(queue.drain(now), [1, 3, 0, 4, 2]);
	// Seven seconds of work until block 102, which is in six.
	let later = now + OVERLOAD_PERIOD;
	for input in 0..7 {
		queue.put(claim(10 + input, 102, u64::from(input)), later);
	}
	queue.put(claim(20, 200, 3), later);
	// This one cannot be made at all.
	queue.put(claim(21, 100, 1_000), later);
	assert_eq!(queue.drain(later), [16, 15, 14, 13, 20, 12, 11, 10, 21]);
	// What better classes hold is not there for watching.
	let last = later + OVERLOAD_PERIOD;
	for input in 0..3 {
		queue.put(claim(30 + input, 102, u64::from(input)), last);
		queue.put(run(40 + input, Class::Job, 200), last);
	}
	let jobs = [(); 3].map(|()| queue.take(Taker::General, last).expect("a job"));
	assert!(queue.is_overloaded(last));
	for work in jobs {
		queue.answer(work.id, &output(0), last);
	}
	assert!(!queue.is_overloaded(last + OVERLOAD_PERIOD));
}

#[test]
fn a_reserve_serves_what_is_owed() {
	let now = Instant::now();
	let mut queue = Queue::new(2, BLOCK);
	for input in 0..3 {
		queue.put(run(input, Class::Watch, 50), now);
	}
	queue.put(run(9, Class::Job, 50), now);
	assert!(queue.take(Taker::Reserve, now).is_none(), "threads are free");
	let job = queue.take(Taker::General, now).expect("the job");
	queue.put(run(10, Class::Job, 50), now);
	queue.take(Taker::General, now).expect("the other job");
	queue.put(run(11, Class::Job, 50), now);
	assert!(queue.take(Taker::Reserve, now).is_none(), "all of them do what is owed");
	queue.answer(job.id, &output(0), now);
	queue.drain(now);
	for input in 20..23 {
		queue.put(run(input, Class::Watch, 50), now);
	}
	queue.answer(run(10, Class::Job, 0).0, &output(0), now);
	queue.take(Taker::General, now).expect("a claim");
	queue.take(Taker::General, now).expect("a claim");
	assert!(queue.take(Taker::Reserve, now).is_none(), "claims are not owed");
	queue.put(run(12, Class::Job, 50), now);
	let owed = queue.take(Taker::Reserve, now).expect("the job");
	assert_eq!(owed.id, run(12, Class::Job, 50).0);
	queue.check();
}

#[test]
fn failures_are_tried_again() {
	let now = Instant::now();
	let mut queue = Queue::new(1, BLOCK);
	queue.at_block(10, now);
	let fail = |queue: &mut Queue, request: (RequestId, Submission), at: Instant| {
		let id = request.0;
		assert_eq!(queue.put(request, at), Status::Queued);
		queue.take(Taker::General, at).expect("it");
		queue.answer(id, &Response::Failed("why".into()), at);
		let class = Class::Move;
		assert_eq!(status_of(queue.poll(&id, class, 0, at)), Status::Ready);
		let known = |queue: &mut Queue, after| status_of(queue.poll(&id, class, 0, at + after));
		let early = known(queue, FAILED_MOVE - Duration::from_millis(1));
		let block = known(queue, FAILED_MOVE);
		let long = known(queue, FAILED_RUN);
		queue.check();
		[early, block, long]
	};
	let (ready, unknown) = (Status::Ready, Status::Unknown);
	// One that is owed, one whose deadline is over, and a plain run.
	assert_eq!(fail(&mut queue, trace(1, Class::Trace, 12), now), [ready, unknown, unknown]);
	assert_eq!(fail(&mut queue, trace(2, Class::Trace, 9), now), [ready, ready, unknown]);
	assert_eq!(fail(&mut queue, run(3, Class::Job, 12), now), [ready, ready, unknown]);
	assert_eq!(queue.answers(), 0);
	// And again.
	assert_eq!(fail(&mut queue, trace(1, Class::Trace, 12), now), [ready, unknown, unknown]);
}

#[test]
fn answers_are_kept_within_bounds() {
	let now = Instant::now();
	let mut queue = Queue::new(1, BLOCK);
	let answer = |queue: &mut Queue, request: (RequestId, Submission), response: &Response| {
		let id = request.0;
		queue.put(request, now);
		queue.take(Taker::General, now).expect("it");
		queue.answer(id, response, now);
	};
	answer(&mut queue, run(0, Class::Job, 50), &output(16_000));
	// More claims of others than fit: the oldest lose their outputs, then everything.
	let count = MAX_ANSWERS as u32 + 1_000;
	for input in 1..=count {
		answer(&mut queue, run(input, Class::Watch, 50), &output(2_000));
	}
	queue.check();
	assert_eq!(queue.answers(), MAX_ANSWERS + 1);
	let mut look = |input, class| {
		let id = run(input, class, 50).0;
		root_of(queue.poll(&id, class, 50, now))
	};
	assert_eq!(look(0, Class::Job), Some(16_000));
	assert_eq!(look(1_000, Class::Watch), None);
	assert_eq!(look(1_001, Class::Watch), Some(0));
	assert_eq!(look(count, Class::Watch), Some(2_000));
	// A job needs the output: one that was dropped is made anew.
	assert_eq!(look(count, Class::Job), Some(2_000));
	assert_eq!(look(1_002, Class::Job), None);
	assert_eq!(look(1_002, Class::Watch), None);
	assert_eq!(queue.put(run(1_002, Class::Job, 50), now), Status::Queued);
	queue.check();
}

#[test]
fn what_a_job_asked_for_while_it_ran_is_kept_for_it() {
	let now = Instant::now();
	let mut queue = Queue::new(1, BLOCK);
	queue.put(run(1, Class::Watch, 50), now);
	queue.take(Taker::General, now).expect("it");
	queue.poll(&run(1, Class::Job, 0).0, Class::Job, 50, now);
	queue.answer(run(1, Class::Job, 0).0, &output(10_000), now);
	for input in 2..20_000 {
		queue.put(run(input, Class::Watch, 50), now);
		queue.take(Taker::General, now).expect("it");
		queue.answer(run(input, Class::Watch, 0).0, &output(10_000), now);
	}
	assert_eq!(root_of(queue.poll(&run(1, Class::Job, 0).0, Class::Job, 50, now)), Some(10_000));
}

#[test]
fn backlog_follows_measured_times() {
	let now = Instant::now();
	let mut queue = Queue::new(2, BLOCK);
	assert_eq!(queue.run_micros(&[1; 32]), None);
	for input in 0..10 {
		queue.put(run(input, Class::Watch, 50), now);
		queue.put(run(10 + input, Class::Job, 50), now);
	}
	assert_eq!(Class::ALL.map(|class| queue.backlog_micros(class)), [0, 0, 5_000, 10_000, 10_000]);
	queue.measured(&[1; 32], Kind::Run, Duration::from_millis(20));
	assert_eq!(queue.run_micros(&[1; 32]), Some(20_000));
	assert_eq!(queue.backlog_micros(Class::Job), 100_000);
	queue.take(Taker::General, now).expect("a job");
	assert_eq!(queue.backlog_micros(Class::Job), 100_000);
	queue.drain(now);
	assert_eq!(queue.backlog_micros(Class::Other), 10_000);
}

#[test]
fn a_hundred_thousand_requests_are_quick() {
	let now = Instant::now();
	let mut queue = Queue::new(2, BLOCK);
	let start = Instant::now();
	for round in 0..10_u32 {
		for input in 0..10_000 {
			let (class, input) = (Class::ALL[2 + input as usize % 2], round * 10_000 + input);
			assert_eq!(
				queue.put(run(input, class, 50 + u64::from(input % 97)), now),
				Status::Queued
			);
		}
		for input in 0..10_000 {
			let class = Class::ALL[2 + input as usize % 2];
			let id = run(round * 10_000 + input, class, 0).0;
			queue.poll(&id, class, 40 + u64::from(input % 89), now);
		}
		assert_eq!(queue.drain(now).len(), 10_000);
	}
	// An unoptimized build takes about a second for this; quadratic time would take minutes.
	assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
	queue.check();
}

/// What may happen to a queue.
#[derive(Clone, Debug)]
enum Event {
	Submit { input: u32, traced: bool, class: Class, deadline: u64, at_stake: u64, bytes: usize },
	Poll { input: u32, traced: bool, class: Class, deadline: u64 },
	Stake { input: u32, at_stake: u64 },
	Take(Taker),
	Answer { which: usize, fails: bool },
	Abandon { which: usize },
	Block(u64),
	Measure { model: u8, micros: u64 },
	Wait(u64),
}

fn class() -> impl Strategy<Value = Class> {
	(0_usize..CLASSES).prop_map(|index| Class::ALL[index])
}

fn event() -> impl Strategy<Value = Event> {
	let submit = (0_u32..24, any::<bool>(), class(), 1_u64..30, 0_u64..5, 0_usize..900).prop_map(
		|(input, traced, class, deadline, at_stake, bytes)| Event::Submit {
			input,
			traced,
			class,
			deadline,
			at_stake,
			bytes,
		},
	);
	let poll = (0_u32..24, any::<bool>(), class(), 1_u64..30).prop_map(
		|(input, traced, class, deadline)| Event::Poll { input, traced, class, deadline },
	);
	prop_oneof![
		8 => submit,
		4 => poll,
		1 => (0_u32..24, 0_u64..9).prop_map(|(input, at_stake)| Event::Stake { input, at_stake }),
		4 => Just(Event::Take(Taker::General)),
		1 => Just(Event::Take(Taker::Reserve)),
		3 => (0_usize..8, any::<bool>()).prop_map(|(which, fails)| Event::Answer { which, fails }),
		1 => (0_usize..8).prop_map(|which| Event::Abandon { which }),
		1 => (0_u64..20).prop_map(Event::Block),
		1 => (0_u8..3, 1_u64..10_000_000).prop_map(|(model, micros)| Event::Measure { model, micros }),
		1 => (0_u64..30_000).prop_map(Event::Wait),
	]
}

fn request(input: u32, traced: bool) -> Request {
	let spec = spec((input % 3) as u8, input);
	if traced {
		Request::Trace(spec)
	} else {
		Request::Run(spec)
	}
}

impl Queue {
	/// Whether something better than `taken` could have been taken: a better class, or an earlier
	/// deadline in the same one where deadlines decide.
	fn overlooks(&self, taken: &Running, deadline: u64) -> bool {
		self.entries.values().any(|entry| match entry {
			Entry::Waiting(it) if !it.parked => {
				let free = !self.tracing.contains_key(it.submission.request.spec());
				let earlier = it.class == taken.charged
					&& it.class != Class::Watch
					&& it.place.deadline < deadline;
				free && (it.class < taken.charged || earlier)
			},
			_ => false,
		})
	}
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(256))]

	/// Whatever happens: bounds hold, sums agree, nobody is overlooked, and nothing waits for ever.
	#[test]
	fn the_queue_holds_together(events in prop::collection::vec(event(), 1..200)) {
		let mut now = Instant::now();
		let mut queue = small(4);
		let mut running = Vec::new();
		for event in events {
			match event {
				Event::Submit { input, traced, class, deadline, at_stake, bytes } => {
					let request = request(input, traced);
					let terms = Terms { class, deadline, at_stake, job: 0 };
					let (id, submission) = submission(request, terms, bytes);
					let known = queue.entries.len();
					let status = queue.submit(id, submission, now);
					if status == Status::Full {
						prop_assert!(!queue.entries.contains_key(&id));
						prop_assert!(queue.entries.len() <= known);
					} else {
						prop_assert!(queue.entries.contains_key(&id));
					}
				},
				Event::Poll { input, traced, class, deadline } => {
					queue.poll(&request(input, traced).id(), class, deadline, now);
				},
				Event::Stake { input, at_stake } => {
					queue.stake(&request(input, false).id(), at_stake);
				},
				Event::Take(taker) => {
					if let Some(work) = queue.take(taker, now) {
						let Some(Entry::Running(it)) = queue.entries.get(&work.id) else {
							panic!("what was taken runs");
						};
						prop_assert!(taker == Taker::General || it.class <= Class::Job);
						let deadline = if it.deadline == TOO_LATE { LATE } else { it.deadline };
						prop_assert!(!queue.overlooks(it, deadline));
						running.push(work.id);
					}
				},
				Event::Answer { which, fails } if which < running.len() => {
					let id = running.swap_remove(which);
					let response = if fails { Response::Failed("no".into()) } else { output(100) };
					queue.answer(id, &response, now);
				},
				Event::Abandon { which } if which < running.len() => {
					queue.abandon(&running.swap_remove(which));
				},
				Event::Answer { .. } | Event::Abandon { .. } => (),
				Event::Block(block) => queue.at_block(block, now),
				Event::Measure { model, micros } => {
					queue.measured(&[model; 32], Kind::Run, Duration::from_micros(micros));
				},
				Event::Wait(millis) => now += Duration::from_millis(millis),
			}
			queue.check();
			for class in Class::ALL {
				let room = &queue.rooms[class as usize];
				prop_assert!(room.len() <= 4 && room.bytes() <= 4 * (OVERHEAD + 256));
			}
		}
		// Everything that still waits is served in the end.
		for id in running {
			queue.answer(id, &output(0), now);
		}
		queue.drain(now);
		prop_assert!(queue.is_empty());
		prop_assert!(queue.tracing.is_empty());
		queue.check();
	}

	/// A full class ends up with the most urgent of all that came, whatever the order.
	#[test]
	fn a_full_class_keeps_the_most_urgent(deadlines in prop::collection::vec(1_u64..1_000, 1..60)) {
		let now = Instant::now();
		let mut queue = small(8);
		for (input, deadline) in (0..).zip(&deadlines) {
			queue.put(run(input, Class::Job, *deadline), now);
		}
		let mut expected = deadlines.clone();
		expected.sort_unstable();
		expected.truncate(8);
		let kept = queue.drain(now).into_iter().map(|input| deadlines[input as usize]);
		prop_assert_eq!(kept.collect::<Vec<_>>(), expected);
	}

	/// And a watcher that has too much to do the most valuable for its time.
	#[test]
	fn a_full_watcher_keeps_the_most_valuable(claims in prop::collection::vec((0_u8..3, 1_u64..1_000), 1..60)) {
		let now = Instant::now();
		let mut queue = small(8);
		let micros = [10, 100, 1_000];
		for (model, micros) in (0_u8..).zip(micros) {
			queue.measured(&[model; 32], Kind::Run, Duration::from_micros(micros));
		}
		for (input, (model, at_stake)) in (0..).zip(&claims) {
			let terms = Terms { at_stake: *at_stake, ..terms(Class::Watch, 50) };
			queue.put(submission(Request::Run(spec(*model, input)), terms, 256), now);
		}
		let worth = |(model, at_stake): &(u8, u64)| {
			room::worth(*at_stake, micros[usize::from(*model)])
		};
		let mut expected = claims.iter().map(worth).collect::<Vec<_>>();
		expected.sort_unstable_by(|a, b| b.cmp(a));
		expected.truncate(8);
		let mut kept = queue.drain(now).iter().map(|input| worth(&claims[*input as usize])).collect::<Vec<_>>();
		kept.sort_unstable_by(|a, b| b.cmp(a));
		prop_assert_eq!(kept, expected);
	}
}
