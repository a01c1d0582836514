//! When the runtime's off-chain worker runs: after every new best block, and when the engine has an
//! answer.
//!
//! A worker only asks and collects; if it ran after blocks alone, everything that the engine finds out
//! would lie until the next one, and a dispute would lose a block in every move. Two runs never
//! overlap, and a run is always on the newest best block: those that came meanwhile are skipped.

use futures::{FutureExt, Stream, StreamExt};
use std::{
	future::Future,
	pin::pin,
	time::{Duration, Instant},
};
use tokio::sync::Notify;

/// How often there may be a run because of answers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
	/// How long after an answer a run begins: others that come meanwhile are collected with it.
	pub(crate) debounce: Duration,
	/// How many times as long as the last run took there is rest after it. Under a flood of answers
	/// runs take the one part in `rest + 1` of a processor.
	pub(crate) rest: u32,
	/// The longest rest.
	pub(crate) max_rest: Duration,
}

impl Default for Pace {
	fn default() -> Self {
		Self {
			debounce: Duration::from_millis(60),
			rest: 4,
			max_rest: Duration::from_millis(1_000),
		}
	}
}

impl Pace {
	/// Runs `run` on the newest of `blocks`, for each and whenever there are `answers`, until the
	/// stream ends or `run` says false. The first run waits for a block.
	pub(crate) async fn keep<B, T, R, F>(self, blocks: B, answers: &Notify, mut run: R)
	where
		B: Stream<Item = T>,
		T: Clone,
		R: FnMut(T) -> F,
		F: Future<Output = bool>,
	{
		let mut blocks = pin!(blocks.fuse());
		let Some(mut newest) = blocks.next().await else { return };
		loop {
			// Of blocks that came during the last run only the newest matters.
			while let Some(next) = blocks.next().now_or_never() {
				match next {
					Some(block) => newest = block,
					None => return,
				}
			}
			// What was answered until now is collected by this run.
			answers.notified().now_or_never();
			let start = Instant::now();
			if !run(newest.clone()).await {
				return;
			}
			let end = Instant::now();
			let rest = (end - start).saturating_mul(self.rest).min(self.max_rest);
			let due = async {
				answers.notified().await;
				let due = (Instant::now() + self.debounce).max(end + rest);
				tokio::time::sleep_until(due.into()).await;
			};
			tokio::select! {
				block = blocks.next() => match block {
					Some(block) => newest = block,
					None => return,
				},
				() = due => (),
			}
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use futures::channel::mpsc::{unbounded, UnboundedSender};
	use std::sync::{
		atomic::{AtomicUsize, Ordering},
		Arc, Mutex,
	};

	const DEBOUNCE: Duration = Duration::from_millis(60);

	/// A loop whose runs take so long, and what it did.
	#[derive(Clone, Default)]
	struct Log {
		runs: Arc<Mutex<Vec<(u32, Instant)>>>,
		at_once: Arc<AtomicUsize>,
		most: Arc<AtomicUsize>,
	}

	struct Loop {
		blocks: UnboundedSender<u32>,
		answers: Arc<Notify>,
		log: Log,
		task: tokio::task::JoinHandle<()>,
	}

	fn start(took: Duration) -> Loop {
		let (blocks, receiver) = unbounded();
		let (answers, log) = (Arc::new(Notify::new()), Log::default());
		let pace = Pace { debounce: DEBOUNCE, rest: 2, max_rest: Duration::from_millis(200) };
		let (told, logged) = (answers.clone(), log.clone());
		let task = tokio::spawn(async move {
			let run = |block| {
				let log = logged.clone();
				async move {
					let now = log.at_once.fetch_add(1, Ordering::SeqCst) + 1;
					log.most.fetch_max(now, Ordering::SeqCst);
					log.runs.lock().expect("no panic").push((block, Instant::now()));
					tokio::time::sleep(took).await;
					log.at_once.fetch_sub(1, Ordering::SeqCst);
					block != 99
				}
			};
			pace.keep(receiver, &told, run).await;
		});
		Loop { blocks, answers, log, task }
	}

	impl Loop {
		fn block(&self, number: u32) {
			self.blocks.unbounded_send(number).expect("the loop listens");
		}

		fn seen(&self) -> Vec<u32> {
			self.log.runs.lock().expect("no panic").iter().map(|(block, _)| *block).collect()
		}

		/// Waits for that many runs.
		async fn runs(&self, count: usize) -> Vec<u32> {
			for _ in 0..2_000 {
				if self.seen().len() >= count {
					break;
				}
				tokio::time::sleep(Duration::from_millis(5)).await;
			}
			self.seen()
		}
	}

	#[tokio::test]
	async fn every_block_runs_at_once_and_answers_run_the_newest_again() {
		let it = start(Duration::ZERO);
		it.answers.notify_one();
		tokio::time::sleep(DEBOUNCE * 2).await;
		assert!(it.seen().is_empty(), "nothing to run on");
		it.block(1);
		assert_eq!(it.runs(1).await, [1]);
		// The answer was there before the run.
		tokio::time::sleep(DEBOUNCE * 3).await;
		assert_eq!(it.seen(), [1]);
		it.block(2);
		assert_eq!(it.runs(2).await, [1, 2]);
		let told = Instant::now();
		it.answers.notify_one();
		assert_eq!(it.runs(3).await, [1, 2, 2]);
		let began = it.log.runs.lock().expect("no panic")[2].1;
		assert!(began - told >= DEBOUNCE);
	}

	#[tokio::test]
	async fn a_flood_of_answers_is_few_runs() {
		let it = start(Duration::from_millis(20));
		it.block(1);
		let start = Instant::now();
		while start.elapsed() < DEBOUNCE * 10 {
			it.answers.notify_one();
			tokio::time::sleep(Duration::from_millis(1)).await;
		}
		let runs = it.seen().len();
		// One for the block, and one for each debounce and run.
		assert!((2..=9).contains(&runs), "{runs} runs");
		assert_eq!(it.log.most.load(Ordering::SeqCst), 1);
	}

	#[tokio::test]
	async fn long_runs_skip_blocks_and_never_overlap() {
		let it = start(Duration::from_millis(100));
		it.block(1);
		it.runs(1).await;
		for number in 2..=50 {
			it.block(number);
			it.answers.notify_one();
		}
		assert_eq!(it.runs(2).await, [1, 50]);
		it.block(51);
		assert_eq!(it.runs(3).await, [1, 50, 51]);
		assert_eq!(it.log.most.load(Ordering::SeqCst), 1);
	}

	#[tokio::test]
	async fn a_block_does_not_wait_for_the_rest() {
		let it = start(Duration::from_millis(50));
		it.block(1);
		it.runs(1).await;
		it.answers.notify_one();
		tokio::time::sleep(Duration::from_millis(60)).await;
		it.block(2);
		let told = Instant::now();
		assert_eq!(it.runs(2).await[..2], [1, 2]);
		let began = it.log.runs.lock().expect("no panic")[1].1;
		assert!(began - told < DEBOUNCE, "it waited {:?}", began - told);
	}

	#[tokio::test]
	async fn ends_with_the_chain_or_the_worker() {
		let it = start(Duration::ZERO);
		it.block(1);
		it.runs(1).await;
		drop(it.blocks);
		it.task.await.expect("it ends");
		let it = start(Duration::ZERO);
		it.block(99);
		it.task.await.expect("it ends");
		assert_eq!(it.log.runs.lock().expect("no panic").len(), 1);
	}
}
