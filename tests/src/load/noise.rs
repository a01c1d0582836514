//! What others put on the chain.

use super::{book::Book, scene::Scene, Scenario};
use crate::roles::{self, Account};
use anyhow::{bail, Result};
use assay_client::{
	amount::ASY,
	chain::{calls, Sender},
	Until,
};
use std::{
	collections::BTreeSet,
	time::{Duration, Instant},
};
use subxt::utils::H256;

/// Jobs in one transaction of noise: a few fill a block.
const PER_EXTRINSIC: u32 = 100;

/// Seconds for which a job waits in the queue.
const QUEUE_SECONDS: f64 = 300.0;
/// Seconds for which a claim stands, as long as nobody disputes it: its window.
const CLAIM_SECONDS: f64 = 60.0;
/// Sham challenges that are added in a second: as many traces as every block has room for.
const SHAMS_PER_SECOND: f64 = 8.0;

/// What others put on the chain before anything is measured, and go on putting there: what is over is
/// made up for.
pub(super) struct Noise {
	/// How much there is to be.
	most: u32,
	/// How much there was.
	made: u32,
	last: Instant,
	kind: Kind,
}

enum Kind {
	None,
	/// Jobs for a model that nobody serves, waiting for their end in the queue.
	Idle(Sender),
	/// Right answers, all the same, of an operator to itself.
	SelfDealt(Box<Dealer>),
	/// Challenges against open claims of the honest operator.
	Shams {
		sender: Sender,
		done: BTreeSet<u64>,
	},
}

/// Asks and answers itself.
struct Dealer {
	account: Account,
	requester: Sender,
	operator: Sender,
	input: Vec<u8>,
	output: Vec<u8>,
	root: [u8; 32],
	/// Content of all of its jobs, which are about the same.
	content: Option<H256>,
	dealt: BTreeSet<u64>,
}

impl Noise {
	/// Makes the noise of a scenario.
	pub(super) async fn begin(
		scenario: Scenario,
		count: Option<u32>,
		scene: &mut Scene,
		book: &mut Book,
	) -> Result<Self> {
		let (most, kind) = match scenario {
			Scenario::NoNoise => (0, Kind::None),
			Scenario::IdleForeignJobs => {
				(50_000, Kind::Idle(scene.api.sender(&scene.noisy.key).await?))
			},
			Scenario::SelfDealtClaims => {
				(2_000, Kind::SelfDealt(Box::new(Dealer::begin(scene).await?)))
			},
			Scenario::ShamChallenges => {
				let sender = scene.api.sender(&scene.noisy.key).await?;
				(1_000, Kind::Shams { sender, done: BTreeSet::new() })
			},
		};
		let most = if most == 0 { 0 } else { count.unwrap_or(most) };
		let mut noise = Self { most, made: 0, last: Instant::now(), kind };
		let started = Instant::now();
		if matches!(noise.kind, Kind::Shams { .. }) {
			for some in 0..most.div_ceil(20) {
				scene.request_honest(20.min(most - 20 * some)).await?;
			}
		}
		while noise.made < most {
			noise.add(most - noise.made, scene, book).await?;
			wait(scene, book, started).await?;
			// Some claims may be final before they are seen; those that were challenged count.
			if matches!(noise.kind, Kind::Shams { .. }) && book.honest() > 0 && book.is_over() {
				break;
			}
		}
		// Until it is seen; some challenges may have come too late for their claims.
		let posted = Instant::now();
		while !noise.is_seen(book) && posted.elapsed() < Duration::from_secs(60) {
			noise.add(0, scene, book).await?;
			wait(scene, book, started).await?;
		}
		if most > 0 {
			let (made, seconds) = (noise.made, started.elapsed().as_secs());
			println!("  noise          {made} put on the chain in {seconds} s");
		}
		Ok(noise)
	}

	/// Makes up for what is over, a little every second.
	pub(super) async fn keep(&mut self, scene: &mut Scene, book: &mut Book) -> Result<()> {
		let elapsed = self.last.elapsed().as_secs_f64();
		if elapsed < 1.0 {
			return Ok(());
		}
		self.last = Instant::now();
		let missing = (self.most as usize).saturating_sub(self.standing(book)) as u32;
		let most = f64::from(self.most);
		let ends = match self.kind {
			Kind::None => return Ok(()),
			Kind::Idle(_) => most / QUEUE_SECONDS,
			Kind::SelfDealt(_) => most / CLAIM_SECONDS,
			Kind::Shams { .. } => SHAMS_PER_SECOND,
		};
		self.add(missing.min((ends * elapsed).ceil() as u32), scene, book).await
	}

	/// How much of it is on the chain and not over.
	pub(super) fn standing(&self, book: &Book) -> usize {
		match self.kind {
			Kind::None => 0,
			Kind::Idle(_) | Kind::SelfDealt(_) => book.standing(),
			Kind::Shams { .. } => book.shams(),
		}
	}

	/// How much there was in all.
	pub(super) fn made(&self, book: &Book) -> u32 {
		match self.kind {
			Kind::Shams { .. } => book.shams_opened(),
			_ => self.made,
		}
	}

	/// Whether all that was sent was seen.
	fn is_seen(&self, book: &Book) -> bool {
		match self.kind {
			Kind::Shams { .. } => book.shams_opened() >= self.made,
			_ => book.foreign().len() as u32 >= self.made,
		}
	}

	/// Sends up to `count` more, as blocks have room for it.
	async fn add(&mut self, count: u32, scene: &mut Scene, book: &mut Book) -> Result<()> {
		match &mut self.kind {
			Kind::None => {},
			Kind::Idle(sender) => {
				let input = [scene.input()?, scene.input()?].concat();
				let mut left = count;
				// As fast as blocks take them, without filling the pool.
				while left > 0 && (book.foreign().len() as u32) + 5_000 > self.made {
					let some = PER_EXTRINSIC.min(left);
					let job = (scene.unserved, input.clone(), scene.unserved_fee, None);
					sender.renew().await?;
					sender.post(&calls::request_jobs(vec![job; some as usize])).await?;
					(self.made, left) = (self.made + some, left - some);
				}
			},
			Kind::SelfDealt(dealer) => {
				dealer.ask(count, scene).await?;
				self.made += count;
				dealer.answer(scene, book).await?;
			},
			Kind::Shams { sender, done } => {
				// The youngest first: the window of the oldest may be over before a challenge is there.
				let mut new = book.open_claims();
				new.retain(|job| !done.contains(job));
				new.reverse();
				new.truncate(count as usize);
				for some in new.chunks(20) {
					let against = some.iter().map(|job| (*job, [0xee; 32])).collect();
					sender.renew().await?;
					sender.post(&calls::open_challenges(against)).await?;
					done.extend(some);
				}
				self.made = done.len() as u32;
			},
		}
		Ok(())
	}
}

impl Dealer {
	async fn begin(scene: &mut Scene) -> Result<Self> {
		let account = roles::dev("//Dave")?;
		scene.api.submit(&calls::stake(40_000 * ASY), &account.key, Until::InBlock).await?;
		scene.api.submit(&calls::serve(&[scene.model]), &account.key, Until::InBlock).await?;
		let input = scene.input()?;
		let (output, root) = scene.answer(&input)?;
		let requester = scene.api.sender(&scene.noisy.key).await?;
		let operator = scene.api.sender(&account.key).await?;
		let (content, dealt) = (None, BTreeSet::new());
		Ok(Self { account, requester, operator, input, output, root, content, dealt })
	}

	/// Requests `count` jobs from itself.
	async fn ask(&mut self, count: u32, scene: &Scene) -> Result<()> {
		let mut left = count;
		while left > 0 {
			let some = 50.min(left);
			let job = (scene.model, self.input.clone(), scene.fee, Some(self.account.id));
			self.requester.renew().await?;
			self.requester.post(&calls::request_jobs(vec![job; some as usize])).await?;
			left -= some;
		}
		Ok(())
	}

	/// Accepts those that are on the chain, and claims them.
	async fn answer(&mut self, scene: &Scene, book: &Book) -> Result<()> {
		let new: Vec<u64> = book.foreign().difference(&self.dealt).copied().collect();
		let Some(first) = new.first() else { return Ok(()) };
		if self.content.is_none() {
			let at = scene.api.finalized().await?;
			self.content = scene.api.job(&at, *first).await?.map(|record| record.content());
		}
		let Some(content) = self.content else { return Ok(()) };
		for some in new.chunks(64) {
			let jobs: Vec<_> = some.iter().map(|job| (*job, content)).collect();
			self.operator.renew().await?;
			self.operator.post(&calls::accept_jobs(&jobs)).await?;
			self.operator.post(&calls::claim_jobs(&jobs, self.root, &self.output)).await?;
			self.dealt.extend(some);
		}
		Ok(())
	}
}

async fn wait(scene: &Scene, book: &mut Book, started: Instant) -> Result<()> {
	tokio::time::sleep(Duration::from_millis(500)).await;
	book.read(scene).await?;
	if started.elapsed() > Duration::from_secs(1_800) {
		bail!("the noise does not get onto the chain");
	}
	Ok(())
}
