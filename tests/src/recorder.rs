//! Every finalized block of a network, and the histories of jobs in them.

use anyhow::{Context, Result};
use assay_client::{
	chain::BlockView,
	timeline::{self, Timeline},
	Api,
};
use std::{
	sync::{Arc, Mutex},
	time::Duration,
};
use tokio::{sync::watch, task::JoinHandle};

/// Records finalized blocks in the background, from the first on, until dropped.
#[derive(Debug)]
pub struct Recorder {
	blocks: Arc<Mutex<Vec<Arc<BlockView>>>>,
	height: watch::Receiver<u64>,
	task: JoinHandle<()>,
}

impl Recorder {
	/// Starts recording through `api`.
	pub fn start(api: Api) -> Recorder {
		let blocks = Arc::new(Mutex::new(Vec::new()));
		let (tell, height) = watch::channel(0);
		let kept = blocks.clone();
		let task = tokio::spawn(async move {
			let patience = Duration::from_secs(120);
			let followed = timeline::follow(&api, 1, patience, |block| {
				lock(&kept).push(Arc::new(block.clone()));
				// Nobody may be waiting.
				let _ = tell.send(block.number);
				false
			});
			if let Err(error) = followed.await {
				tracing::warn!("recording ended: {error}");
			}
		});
		Recorder { blocks, height, task }
	}

	/// The blocks so far.
	pub fn blocks(&self) -> Vec<Arc<BlockView>> {
		lock(&self.blocks).clone()
	}

	/// The history of a job so far.
	pub fn history(&self, job: u64) -> Timeline {
		let mut timeline = Timeline::new(job);
		for block in self.blocks() {
			timeline.add(&block);
		}
		timeline
	}

	/// Waits until `done` says so of the blocks so far.
	pub async fn until<T>(
		&self,
		what: &str,
		patience: Duration,
		mut done: impl FnMut(&[Arc<BlockView>]) -> Option<T>,
	) -> Result<T> {
		let mut height = self.height.clone();
		let wait = async {
			loop {
				if let Some(found) = done(&self.blocks()) {
					return Ok(found);
				}
				height.changed().await.context("recording ended")?;
			}
		};
		let waited = tokio::time::timeout(patience, wait).await;
		waited.with_context(|| format!("{what} did not come in {} s", patience.as_secs()))?
	}

	/// Waits for the end of a job and returns its history.
	pub async fn end_of(&self, job: u64, patience: Duration) -> Result<Timeline> {
		let mut timeline = Timeline::new(job);
		let mut seen = 0;
		self.until(&format!("the end of job {job}"), patience, |blocks| {
			blocks[seen..].iter().for_each(|block| {
				timeline.add(block);
			});
			seen = blocks.len();
			timeline.end.map(|_| timeline.clone())
		})
		.await
	}

	/// Waits for an event of a job.
	pub async fn event_of(&self, job: u64, name: &str, patience: Duration) -> Result<Timeline> {
		self.until(&format!("{name} of job {job}"), patience, |_| {
			let history = self.history(job);
			history.event(name).is_some().then_some(history)
		})
		.await
	}
}

impl Drop for Recorder {
	fn drop(&mut self) {
		self.task.abort();
	}
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
	// A poisoned list of blocks is still a list of blocks.
	mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
