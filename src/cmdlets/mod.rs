//! What each verb does: one file a verb, one line here.

mod answers;
mod assigning;
mod cert_drive;
mod importing;
mod lookup;
mod params;
mod records;
mod report;
#[cfg(test)]
mod testing;
mod topology_objects;

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
    web { get_iis_site get_iis_site_binding get_web_binding get_website }
    topology {
        get_cs_computer get_cs_pool get_cs_service get_cs_simple_url_configuration get_cs_sip_domain get_cs_site
        get_cs_topology
    }
    tls {
        compare_tls_name find_tls_certificate get_tls_audit_log get_tls_change get_tls_name get_tls_served get_tls_status
        invoke_tls_renewal test_tls_audit_log test_tls_binding undo_tls_change
    }
    shell { get_command get_help get_history }
    pki {
        export_certificate export_pfx_certificate get_child_item get_item get_pfx_certificate get_pfx_data import_certificate
        import_pfx_certificate new_self_signed_certificate remove_item test_certificate test_path
    }
    ca {
        approve_certificate_request deny_certificate_request get_ca_template get_certificate_request
        get_certification_authority install_ca_certificate publish_certificate_revocation_list request_ca_certificate
        revoke_certificate submit_certificate_request test_certification_authority update_ca_certificate
        wait_certificate_request
    }
}

/// The topics of the help: name and what each is about.
pub(crate) fn help_topics() -> impl Iterator<Item = (&'static str, &'static str)> {
    shell::get_help::topics()
}

/// Every verb of the library that needs no script block; the engine adds those of the pipeline.
pub(crate) fn registry() -> Registry {
    Registry::new(ALL.iter().map(|verb| (*verb).clone()))
}
