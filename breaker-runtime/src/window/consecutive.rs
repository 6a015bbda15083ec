//! Failures in a row. The run itself lives in the machine's word, because a success must end it
//! without writing anything when there is nothing to end.

use std::num::NonZeroU32;

/// Whether `run` failures in a row are enough. Equal is enough: with a threshold of five, the fifth
/// failure opens.
pub(crate) const fn is_met(run: u32, failure_threshold: NonZeroU32) -> bool {
    run >= failure_threshold.get()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fifth_failure_of_five_is_enough_and_the_fourth_is_not() {
        let five = NonZeroU32::new(5).expect("five is not zero");
        assert!(!is_met(4, five));
        assert!(is_met(5, five));
        assert!(is_met(6, five));
    }
}
