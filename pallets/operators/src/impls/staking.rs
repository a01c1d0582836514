//! Money into and out of stakes.

use frame_support::{
	ensure,
	traits::{fungible::hold::Mutate as _, tokens::Precision, Get},
};
use sp_runtime::{
	traits::{BlockNumberProvider, Zero},
	DispatchResult, Saturating,
};

use crate::{
	BalanceOf, Config, Error, Event, HoldReason, OperatorRecord, Operators, Pallet, Serving,
	UnstakingAmount,
};

impl<T: Config> Pallet<T> {
	pub(crate) fn do_stake(who: T::AccountId, amount: BalanceOf<T>) -> DispatchResult {
		ensure!(!amount.is_zero(), Error::<T>::AmountZero);
		let mut record = Operators::<T>::get(&who).unwrap_or_else(OperatorRecord::new);
		record.stake = record.stake.saturating_add(amount);
		let active = record.active_stake();
		ensure!(active >= T::MinStake::get(), Error::<T>::StakeTooSmall);

		T::Currency::hold(&HoldReason::Stake.into(), &who, amount)?;
		Operators::<T>::insert(&who, record);
		Self::deposit_event(Event::Staked { operator: who, amount, active });
		Ok(())
	}

	pub(crate) fn do_unstake(who: T::AccountId, amount: BalanceOf<T>) -> DispatchResult {
		ensure!(!amount.is_zero(), Error::<T>::AmountZero);
		let mut record = Operators::<T>::get(&who).ok_or(Error::<T>::NotOperator)?;
		ensure!(amount <= record.free_stake(), Error::<T>::FreeStakeTooSmall);
		let rest = record.active_stake().saturating_sub(amount);
		ensure!(rest.is_zero() || rest >= T::MinStake::get(), Error::<T>::StakeTooSmall);

		let due = T::Clock::current_block_number().saturating_add(T::UnstakingPeriod::get());
		record
			.unstaking
			.try_push(UnstakingAmount { amount, due })
			.map_err(|_| Error::<T>::TooManyUnstaking)?;
		if rest.is_zero() {
			Self::set_chilled(&who, &mut record);
		}
		Operators::<T>::insert(&who, record);
		Self::deposit_event(Event::Unstaking { operator: who, amount, due });
		Ok(())
	}

	pub(crate) fn do_withdraw(who: T::AccountId) -> DispatchResult {
		let mut record = Operators::<T>::get(&who).ok_or(Error::<T>::NotOperator)?;
		let now = T::Clock::current_block_number();
		let before = record.leaving();
		record.unstaking.retain(|chunk| chunk.due > now);
		let amount = before.saturating_sub(record.leaving());
		ensure!(!amount.is_zero(), Error::<T>::NothingDue);

		T::Currency::release(&HoldReason::Stake.into(), &who, amount, Precision::Exact)?;
		record.stake = record.stake.saturating_sub(amount);
		if record.stake.is_zero() {
			Operators::<T>::remove(&who);
			Serving::<T>::remove(&who);
		} else {
			Operators::<T>::insert(&who, record);
		}
		Self::deposit_event(Event::Withdrawn { operator: who, amount });
		Ok(())
	}
}
