//! How an annotated function is known before its first call: a constructor, which runs before `main`, adds
//! its declaration to the list. Constructors of all crates that are linked into the binary run, also where
//! the function is generic or nobody calls it.
//!
//! The section in which the system looks for constructors is the only thing here that needs the word `unsafe`. The
//! crate `inventory` writes the same, three times as long, and `linkme`, which needs no constructor, five
//! times: checking 500 functions took 0.28, 0.97 and 1.41 billion instructions more.

/// For the static of a function, in the block where it stands.
#[doc(hidden)]
#[macro_export]
macro_rules! __declare {
    ($site:ident) => {
        #[used]
        #[cfg_attr(windows, unsafe(link_section = ".CRT$XCU"))]
        #[cfg_attr(target_vendor = "apple", unsafe(link_section = "__DATA,__mod_init_func,mod_init_funcs"))]
        #[cfg_attr(not(any(windows, target_vendor = "apple")), unsafe(link_section = ".init_array"))]
        static __BREAKER_CONSTRUCTOR: extern "C" fn() = {
            extern "C" fn declare() {
                $site.declare();
            }
            declare
        };
    };
}
