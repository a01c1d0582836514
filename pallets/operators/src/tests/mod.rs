mod activity;
mod exposure;
mod hostile;
mod keys;
mod staking;
