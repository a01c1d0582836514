//! What others put on the chain.

use super::{book::Book, scene::Scene, Scenario};
use crate::roles;
use anyhow::{bail, Result};
use assay_client::{amount::ASY, chain::calls, Until};
use std::time::{Duration, Instant};
use subxt::utils::H256;

/// Jobs in one transaction of noise: a few fill a block.
const PER_EXTRINSIC: u32 = 100;

/// Makes the noise of a scenario before anything is measured; returns how much there is.
pub(super) async fn make(
	scenario: Scenario,
	count: Option<u32>,
	scene: &mut Scene,
	book: &mut Book,
) -> Result<u32> {
	match scenario {
		Scenario::NoNoise => Ok(0),
		Scenario::IdleForeignJobs => idle_foreign_jobs(count.unwrap_or(50_000), scene, book).await,
		Scenario::SelfDealtClaims => self_dealt_claims(count.unwrap_or(2_000), scene, book).await,
		Scenario::ShamChallenges => sham_challenges(count.unwrap_or(1_000), scene, book).await,
	}
}

/// Jobs for a model that nobody serves, waiting for their end in the queue.
async fn idle_foreign_jobs(count: u32, scene: &mut Scene, book: &mut Book) -> Result<u32> {
	let mut sender = scene.api.sender(&scene.noisy.key).await?;
	let input = [scene.input()?, scene.input()?].concat();
	let mut sent = 0;
	let started = Instant::now();
	while sent < count {
		let some = PER_EXTRINSIC.min(count - sent);
		let jobs =
			(0..some).map(|_| (scene.unserved, input.clone(), scene.unserved_fee, None)).collect();
		sender.renew().await?;
		sender.post(&calls::request_jobs(jobs)).await?;
		sent += some;
		// As fast as blocks take them, without filling the pool.
		while (book.foreign().len() as u32) + 5_000 < sent {
			wait(scene, book, started).await?;
		}
	}
	while (book.foreign().len() as u32) < sent {
		wait(scene, book, started).await?;
	}
	println!("  noise          {sent} jobs wait, sent in {} s", started.elapsed().as_secs());
	Ok(sent)
}

async fn wait(scene: &Scene, book: &mut Book, started: Instant) -> Result<()> {
	tokio::time::sleep(Duration::from_millis(500)).await;
	book.read(scene).await?;
	if started.elapsed() > Duration::from_secs(1_800) {
		bail!("the noise does not get onto the chain");
	}
	Ok(())
}

/// Right answers, all the same, of an operator to itself.
async fn self_dealt_claims(count: u32, scene: &mut Scene, book: &mut Book) -> Result<u32> {
	let dealer = roles::dev("//Dave")?;
	scene.api.submit(&calls::stake(40_000 * ASY), &dealer.key, Until::InBlock).await?;
	scene.api.submit(&calls::serve(&[scene.model]), &dealer.key, Until::InBlock).await?;
	let input = scene.input()?;
	let (output, root) = scene.answer(&input)?;
	let mut requester = scene.api.sender(&scene.noisy.key).await?;
	let started = Instant::now();
	let mut sent = 0;
	while sent < count {
		let some = 50.min(count - sent);
		let job = (scene.model, input.clone(), scene.fee, Some(dealer.id));
		requester.post(&calls::request_jobs(vec![job; some as usize])).await?;
		sent += some;
	}
	while (book.foreign().len() as u32) < sent {
		wait(scene, book, started).await?;
	}
	let at = scene.api.finalized().await?;
	let mut jobs = Vec::new();
	for job in book.foreign() {
		if jobs.is_empty() {
			let record = scene.api.job(&at, *job).await?;
			let content = record.map(|record| record.content()).unwrap_or(H256::zero());
			jobs.push((*job, content));
		} else {
			// All are about the same.
			jobs.push((*job, jobs[0].1));
		}
	}
	let mut dealing = scene.api.sender(&dealer.key).await?;
	let mut last = None;
	for some in jobs.chunks(64) {
		dealing.post(&calls::accept_jobs(some)).await?;
		last = Some(dealing.send(&calls::claim_jobs(some, root, &output)).await?);
	}
	if let Some(last) = last {
		last.wait(Until::InBlock).await?;
	}
	println!("  noise          {sent} equal claims in {} s", started.elapsed().as_secs());
	Ok(sent)
}

/// Challenges against open claims of the honest operator.
async fn sham_challenges(count: u32, scene: &mut Scene, book: &mut Book) -> Result<u32> {
	let started = Instant::now();
	let mut asked = 0;
	while asked < count {
		let some = 20.min(count - asked);
		scene.request_honest(some).await?;
		asked += some;
	}
	let mut shams = scene.api.sender(&scene.noisy.key).await?;
	let mut done = std::collections::BTreeSet::<u64>::new();
	while (done.len() as u32) < count {
		wait(scene, book, started).await?;
		let mut new = book.open_claims();
		new.retain(|job| !done.contains(job));
		for some in new.chunks(20) {
			let against = some.iter().map(|job| (*job, [0xee; 32])).collect();
			shams.renew().await?;
			shams.post(&calls::open_challenges(against)).await?;
			done.extend(some);
		}
		// Some may be final before they are seen; those that were challenged count.
		if new.is_empty() && book.honest() >= count as usize && book.is_over() {
			break;
		}
	}
	println!("  noise          {} challenges in {} s", done.len(), started.elapsed().as_secs());
	Ok(done.len() as u32)
}
