//! The declaration of an annotated function, which adds it to the global list before its first call.
//!
//! A constructor runs before `main` and adds the declaration of the function to the global list. The
//! constructors of all linked crates run, even for generic functions and functions that are never called.
//!
//! The attribute `link_section` is the only unsafe code here. The system runs the functions in that section.

/// Declares the site `$site` before `main`. Generated code invokes it in the block that holds the static.
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
                $crate::__private::FunctionSite::declare(&$site);
            }
            declare
        };
    };
}
