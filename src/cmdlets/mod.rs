//! What each verb does: one file a verb, one line here.

mod lookup;
mod params;
mod records;
#[cfg(test)]
mod testing;

use crate::command::{Registry, Verb};

/// Declares the verbs: each line is the module and its row in the registry.
macro_rules! verbs {
    ($( $family:ident { $($verb:ident)* } )*) => {
        $(
            mod $family {
                //! A family of verbs.
                $( pub(super) mod $verb; )*
            }
        )*
        const ALL: &[&Verb] = &[$( $( &$family::$verb::VERB, )* )*];
    };
}

verbs! {
    cs { get_cs_certificate import_cs_certificate remove_cs_certificate request_cs_certificate set_cs_certificate }
    web { get_web_binding get_website }
    tls { compare_tls_name find_tls_certificate get_tls_audit_log get_tls_name get_tls_served test_tls_audit_log test_tls_binding }
    shell { get_command get_help get_history }
    pki { export_pfx_certificate get_pfx_certificate new_self_signed_certificate test_certificate }
    ca { approve_certificate_request deny_certificate_request get_ca_template get_certification_authority revoke_certificate }
}

/// The topics of the help: name and what each is about.
pub(crate) fn help_topics() -> impl Iterator<Item = (&'static str, &'static str)> {
    shell::get_help::topics()
}

/// Every verb of the library that needs no script block; the engine adds those of the pipeline.
pub(crate) fn registry() -> Registry {
    Registry::new(ALL.iter().map(|verb| (*verb).clone()))
}
