//! What each verb does: one file a verb, one line here.

mod assigning;
mod importing;
mod lookup;
mod params;
mod records;
mod report;
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
    cs {
        get_cs_certificate import_cs_certificate remove_cs_certificate request_cs_certificate set_cs_certificate
        test_cs_certificate_configuration
    }
    web { get_web_binding get_website }
    tls {
        compare_tls_name find_tls_certificate get_tls_audit_log get_tls_change get_tls_name get_tls_served get_tls_status
        invoke_tls_renewal test_tls_audit_log test_tls_binding undo_tls_change
    }
    shell { get_command get_help }
    pki { export_pfx_certificate get_pfx_certificate new_self_signed_certificate test_certificate }
    ca {
        approve_certificate_request deny_certificate_request get_ca_template get_certificate_request
        get_certification_authority install_ca_certificate publish_certificate_revocation_list request_ca_certificate
        revoke_certificate submit_certificate_request test_certification_authority update_ca_certificate
        wait_certificate_request
    }
}

/// Every verb of the library that needs no script block; the engine adds those of the pipeline.
pub(crate) fn registry() -> Registry {
    Registry::new(ALL.iter().map(|verb| (*verb).clone()))
}
