//! Declarations: every annotated function of the binary, and every conflict between them, is known before the
//! first call.

#![allow(dead_code, reason = "uncalled functions are declared too")]

use std::sync::atomic::{AtomicU32, Ordering};

use breaker_runtime::{
    BreakerError, Config, Conflict, Conflicts, Declaration, Registry, circuit_breaker, testing,
};
use breaker_tests::dependent_crate;

use accident::RIGHT;

use crate::support::is_registered;

fn declared(name: &str) -> &'static Declaration {
    let mut found = Registry::declared().filter(|declared| declared.name() == name);
    let first = found.next().unwrap();
    assert!(found.next().is_none(), "{name} is declared once");
    first
}

fn conflicts(found: &Conflicts, name: &str) -> Vec<Conflict> {
    found.iter().filter(|conflict| conflict.name() == name).cloned().collect()
}

const NAME: &str = "declared/const";

#[circuit_breaker(name = NAME, failure_threshold = 3, recovery_timeout = "7s")]
fn never_called() -> Result<(), BreakerError> {
    Ok(())
}

#[test]
fn a_function_is_declared_before_its_first_call_with_name_path_location_and_settings() {
    let line = line!() - 7;
    let known = declared(NAME);
    assert_eq!(known.function(), "it::declarations::never_called");
    assert!(known.has_chosen_name());
    assert_eq!((known.location().file(), known.location().line()), (file!(), line));
    assert_eq!(known.config().failure_threshold(), Some(3));
    assert_eq!(known.config().recovery_timeout().as_secs(), 7);
    assert_eq!(known.max_keys(), None);
    assert!(format!("{known:?}").contains(&format!("{:?}", known.config())), "{known:?}");
    assert!(!is_registered(NAME), "the function was not called");
}

struct Limits {
    failures: u32,
    calls: AtomicU32,
}

static LIMITS: Limits = Limits { failures: 4, calls: AtomicU32::new(0) };

#[circuit_breaker(failure_threshold = LIMITS.failures, fallback = |_| LIMITS.calls.fetch_add(1, Ordering::Relaxed))]
fn limited() -> u32 {
    0
}

#[test]
fn a_setting_can_be_read_from_a_static_with_interior_mutability() {
    assert_eq!(declared("it::declarations::limited").config().failure_threshold(), Some(4));
}

trait Shop {
    #[circuit_breaker]
    fn default_method(&self) -> Result<(), BreakerError> {
        Ok(())
    }
    fn required(&self) -> Result<(), BreakerError>;
}

struct Corner;

impl Shop for Corner {
    #[circuit_breaker]
    fn required(&self) -> Result<(), BreakerError> {
        Ok(())
    }
}

impl Corner {
    #[circuit_breaker]
    async fn method<T: Send>(&self, _: T) -> Result<(), BreakerError> {
        std::future::ready(()).await;
        Ok(())
    }
}

#[circuit_breaker]
fn generic<T: Default, const N: usize>(_: [T; N]) -> Result<T, BreakerError> {
    Ok(T::default())
}

macro_rules! made_by_macro {
    ($name:ident) => {
        #[circuit_breaker(key = key)]
        fn $name(key: u32) -> Result<(), BreakerError> {
            Ok(())
        }
    };
}

made_by_macro!(keyed);

#[test]
fn a_function_of_any_shape_is_declared_once() {
    #[circuit_breaker]
    fn nested() -> Result<(), BreakerError> {
        Ok(())
    }
    assert_eq!(generic([1u8]).unwrap(), 0);
    assert_eq!(generic([""; 2]).unwrap(), "");
    Corner.default_method().unwrap();
    for function in ["default_method", "required", "method", "generic", "nested"] {
        let known = declared(&format!("it::declarations::{function}"));
        assert_eq!((known.name(), known.max_keys()), (known.function(), None));
        assert!(!known.has_chosen_name());
    }
    assert_eq!(declared("it::declarations::keyed").max_keys(), Some(1024));
}

#[test]
fn functions_of_other_crates_are_declared_although_this_crate_does_not_use_them() {
    let known = declared("breaker_tests::dependent_crate::hidden::unnamed");
    assert_eq!(known.max_keys(), Some(12));
    assert_eq!(known.location().file(), dependent_crate::FILE);
}

#[test]
fn declarations_are_sorted_by_name() {
    let names: Vec<_> = Registry::declared().map(Declaration::name).collect();
    assert!(names.is_sorted(), "{names:?}");
}

#[circuit_breaker(name = "declared/two crates")]
fn of_this_crate() -> Result<(), BreakerError> {
    Ok(())
}

#[test]
fn a_conflict_between_two_crates_is_found_before_either_function_is_called() {
    let line = line!() - 7;
    let found = Registry::global().check().unwrap_err();
    let [conflict] = conflicts(&found, "declared/two crates").try_into().unwrap();
    let locations = [conflict.first(), conflict.second()].map(|location| (location.file(), location.line()));
    assert_eq!(locations, [(file!(), line), (dependent_crate::FILE, 14)]);
    assert!(conflict.to_string().contains("dependent_crate.rs:14:1"), "{conflict}");
}

mod agreeing {
    use super::{BreakerError, circuit_breaker};

    #[circuit_breaker(name = "declared/agreeing", max_concurrent = 3)]
    pub(super) fn one() -> Result<(), BreakerError> {
        Ok(())
    }

    #[circuit_breaker(name = "declared/agreeing", max_concurrent = 3)]
    fn two() -> Result<(), BreakerError> {
        Ok(())
    }
}

#[test]
fn equal_declarations_and_registrations_in_a_scope_are_no_conflict() {
    let found = Registry::global().check().unwrap_err();
    assert_eq!(conflicts(&found, "declared/agreeing"), []);
    let found = testing::scope(|scope| {
        agreeing::one().unwrap();
        let strict = Config::builder().failure_threshold(99).build().unwrap();
        scope.registry().register("declared/scope", strict).unwrap();
        scope.registry().check().unwrap_err()
    });
    assert_eq!(conflicts(&found, "declared/agreeing"), []);
    assert_eq!(conflicts(&found, "declared/two crates").len(), 1);
}

#[circuit_breaker(name = "declared/scope")]
fn never_called_either() -> Result<(), BreakerError> {
    Ok(())
}

#[test]
fn a_manual_registration_must_agree_with_the_declarations() {
    testing::scope(|scope| {
        let strict = Config::builder().failure_threshold(99).build().unwrap();
        let line = line!() + 1;
        scope.registry().register("declared/scope", strict).unwrap();
        let found = Registry::global().check().unwrap_err();
        let [conflict] = conflicts(&found, "declared/scope").try_into().unwrap();
        assert_eq!(conflict.first().line(), line, "the first registration wins");
    });
    let own = Registry::new();
    own.register("declared/scope", Config::builder().failure_threshold(9).build().unwrap()).unwrap();
    assert!(own.check().is_ok(), "no function uses this registry");
}

mod accident {
    use super::{BreakerError, circuit_breaker};

    pub(super) struct Left;
    pub(super) struct Right;

    impl Left {
        #[circuit_breaker]
        pub(super) fn same() -> Result<(), BreakerError> {
            Ok(())
        }
    }

    impl Right {
        #[circuit_breaker]
        pub(super) fn same() -> Result<(), BreakerError> {
            Ok(())
        }
    }

    /// The line of the attribute of `Right::same`.
    pub(super) const RIGHT: u32 = line!() - 7;

    /// Functions with the same path and, except for the last one, the same location.
    macro_rules! same_location {
        ($($owner:ident)*) => {
            $(
                pub(super) struct $owner;

                impl $owner {
                    #[circuit_breaker(failure_threshold = 1)]
                    pub(super) fn written() -> Result<(), BreakerError> {
                        Ok(())
                    }
                }
            )*
        };
    }

    same_location!(First Second Third);

    #[circuit_breaker(key = key)]
    fn twin(key: &str) -> Result<usize, BreakerError> {
        Ok(key.len())
    }

    struct Unkeyed;

    impl Unkeyed {
        #[circuit_breaker]
        fn twin() -> Result<(), BreakerError> {
            Ok(())
        }
    }

    #[circuit_breaker(name = "it::declarations::accident::path")]
    fn chosen() -> Result<(), BreakerError> {
        Ok(())
    }

    #[circuit_breaker]
    fn path() -> Result<(), BreakerError> {
        Ok(())
    }

    pub(super) fn own() -> breaker_runtime::Registry {
        breaker_runtime::Registry::new()
    }

    #[circuit_breaker(registry = own())]
    fn of_own_registry() -> Result<(), BreakerError> {
        Ok(())
    }

    impl Unkeyed {
        #[circuit_breaker(registry = own())]
        fn of_own_registry() -> Result<(), BreakerError> {
            Ok(())
        }
    }
}

/// Returns the names of all functions with this path.
fn names_of(function: &str) -> Vec<&'static str> {
    let path = format!("it::declarations::accident::{function}");
    Registry::declared().filter(|declared| declared.function() == path).map(Declaration::name).collect()
}

#[test]
fn two_methods_of_one_name_share_no_circuit_no_matter_which_is_called_first() {
    const PATH: &str = "it::declarations::accident::same";
    let renamed = format!("{PATH} ({}:{RIGHT}:9)", file!());
    assert_eq!(names_of("same"), [PATH, &renamed]);
    testing::scope(|scope| {
        accident::Right::same().unwrap();
        assert!(!is_registered(PATH));
        scope.registry().get(&renamed).unwrap().force_open();
        accident::Left::same().unwrap();
        assert!(accident::Right::same().is_err());
        let snapshots = scope.registry().snapshots_by_name();
        assert!([PATH, &renamed].iter().all(|name| snapshots.iter().any(|it| it.name() == *name)));
    });
}

#[test]
fn methods_that_one_macro_writes_share_no_circuit() {
    let names = names_of("written");
    let [plain, with_number, with_location] = names[..] else { panic!("{names:?}") };
    assert_eq!(plain, "it::declarations::accident::written");
    let location = with_location.strip_prefix(plain).unwrap();
    assert!(location.starts_with(" (tests/it/declarations.rs:"), "{with_location}");
    assert_eq!(with_number, format!("{plain}{} #2)", location.strip_suffix(')').unwrap()));
    testing::scope(|scope| {
        scope.registry().register("unused", Config::default()).unwrap();
        accident::First::written().unwrap();
        let _ = (accident::Second::written(), accident::Third::written());
        scope.registry().get(plain).unwrap().force_open();
        let results = [accident::First::written(), accident::Second::written(), accident::Third::written()];
        assert_eq!(results.iter().filter(|result| result.is_err()).count(), 1);
    });
    let found = Registry::global().check().unwrap_err();
    let renamed: Vec<_> =
        conflicts(&found, plain).iter().map(|it| it.renamed().unwrap().to_owned()).collect();
    assert_eq!(renamed, [with_number, with_location]);
}

#[test]
fn a_function_without_a_name_shares_no_circuit_with_one_that_chose_its_path_as_a_name() {
    let names = names_of("path");
    assert!(names[0].starts_with("it::declarations::accident::path (tests/it/declarations.rs:"), "{names:?}");
    assert_eq!(names_of("chosen"), ["it::declarations::accident::path"]);
}

#[test]
fn functions_with_and_without_keys_or_with_own_registries_have_different_names() {
    for function in ["twin", "of_own_registry"] {
        let names = names_of(function);
        assert_eq!(names.len(), 2);
        assert!(names[1].starts_with(&format!("{} (tests/it/declarations.rs:", names[0])), "{names:?}");
    }
}

#[test]
fn functions_that_share_a_path_by_accident_are_one_conflict_before_and_after_their_calls() {
    const PATH: &str = "it::declarations::accident::same";
    testing::scope(|scope| {
        let before = conflicts(&scope.registry().check().unwrap_err(), PATH);
        let mut events = scope.registry().subscribe();
        accident::Left::same().unwrap();
        assert!(events.try_next().is_none(), "one call alone is no conflict");
        assert_eq!(conflicts(&scope.registry().check().unwrap_err(), PATH), before);
        accident::Right::same().unwrap();
        assert!(matches!(events.try_next(), Some(Ok(breaker_runtime::Event::Conflict(_)))));
        assert_eq!(conflicts(&scope.registry().check().unwrap_err(), PATH), before);
        assert_eq!(before.len(), 1);
        assert_eq!(before[0].renamed(), Some(&*format!("{PATH} (tests/it/declarations.rs:{RIGHT}:9)")));
    });
}
