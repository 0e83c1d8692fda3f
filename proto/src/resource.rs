//! Short names for well-known resources, in one table for client, daemon and documentation.
//!
//! Addresses are from Microsoft's service pages and the Azure SDK's and Azure CLI's cloud tables; a service
//! without a known address in a cloud has none here rather than a guess.

use crate::cloud::Cloud;

/// A well-known resource.
#[derive(Debug, PartialEq, Eq)]
pub struct Resource {
    /// The short name.
    pub name: &'static str,
    /// What it is.
    pub title: &'static str,
    /// The v1 resource in the worldwide cloud; `/.default` is appended to it.
    pub public: &'static str,
    /// In Azure Government, where known.
    pub us_government: Option<&'static str>,
    /// In Azure China, where known.
    pub china: Option<&'static str>,
    /// What else the same application answers to, in any cloud; some tools ask for no other.
    pub others: &'static [&'static str],
}

impl Resource {
    /// The resource's address in `cloud`, where known.
    #[must_use]
    pub fn address(&self, cloud: Cloud) -> Option<&'static str> {
        match cloud {
            Cloud::China => self.china,
            Cloud::Public => Some(self.public),
            Cloud::UsGovernment => self.us_government,
        }
    }
}

/// The resource of this short name, without regard to case.
#[must_use]
pub fn named(name: &str) -> Option<&'static Resource> {
    RESOURCES.iter().find(|resource| resource.name.eq_ignore_ascii_case(name))
}

macro_rules! resources {
    ($($name:literal $title:literal $public:literal $gov:expr, $china:expr $(, also $($other:literal)+)?;)*) => {
        /// Every short name, in order.
        pub const RESOURCES: &[Resource] = &[
            $(Resource {
                name: $name,
                title: $title,
                public: $public,
                us_government: $gov,
                china: $china,
                others: &[$($($other),+)?],
            },)*
        ];
    };
}

resources! {
    "acr" "Container Registry" "https://containerregistry.azure.net" None, None;
    "aks" "Kubernetes Service (AAD server)" "6dae42f8-4368-4678-94ff-3960e28e3630" Some("6dae42f8-4368-4678-94ff-3960e28e3630"), Some("6dae42f8-4368-4678-94ff-3960e28e3630");
    "appconfig" "App Configuration" "https://azconfig.io" None, None;
    "appinsights" "Application Insights" "https://api.applicationinsights.io" None, None;
    "arm" "Resource Manager" "https://management.azure.com" Some("https://management.usgovcloudapi.net"), Some("https://management.chinacloudapi.cn"),
        also "https://management.core.windows.net" "https://management.core.usgovcloudapi.net" "https://management.core.chinacloudapi.cn";
    "batch" "Batch" "https://batch.core.windows.net" None, None;
    "cognitive" "Cognitive Services and Azure OpenAI" "https://cognitiveservices.azure.com" Some("https://cognitiveservices.azure.us"), Some("https://cognitiveservices.azure.cn");
    "cosmos" "Cosmos DB" "https://cosmos.azure.com" None, None;
    "databricks" "Databricks" "2ff814a6-3304-4ab8-85cb-cd0e6f879c1d" None, None;
    "devops" "Azure DevOps" "499b84ac-1321-427f-aa17-267ca6975798" None, None;
    "eventhubs" "Event Hubs" "https://eventhubs.azure.net" None, None;
    "fabric" "Fabric" "https://api.fabric.microsoft.com" None, None;
    "foundry" "Foundry" "https://ai.azure.com" Some("https://ai.azure.us"), Some("https://ai.azure.cn");
    "graph" "Microsoft Graph" "https://graph.microsoft.com" Some("https://graph.microsoft.us"), Some("https://microsoftgraph.chinacloudapi.cn");
    "hsm" "Managed HSM" "https://managedhsm.azure.net" Some("https://managedhsm.usgovcloudapi.net"), Some("https://managedhsm.azure.cn");
    "keyvault" "Key Vault" "https://vault.azure.net" Some("https://vault.usgovcloudapi.net"), Some("https://vault.azure.cn");
    "loganalytics" "Log Analytics" "https://api.loganalytics.io" Some("https://api.loganalytics.us"), Some("https://api.loganalytics.azure.cn");
    "monitor" "Azure Monitor ingestion" "https://monitor.azure.com" None, None;
    "mysql" "Database for MySQL" "https://ossrdbms-aad.database.windows.net" Some("https://ossrdbms-aad.database.usgovcloudapi.net"), Some("https://ossrdbms-aad.database.chinacloudapi.cn");
    "postgres" "Database for PostgreSQL" "https://ossrdbms-aad.database.windows.net" Some("https://ossrdbms-aad.database.usgovcloudapi.net"), Some("https://ossrdbms-aad.database.chinacloudapi.cn");
    "powerbi" "Power BI" "https://analysis.windows.net/powerbi/api" None, None;
    "search" "AI Search" "https://search.azure.com" Some("https://search.azure.us"), None;
    "servicebus" "Service Bus" "https://servicebus.azure.net" Some("https://servicebus.usgovcloudapi.net"), Some("https://servicebus.chinacloudapi.cn");
    "sql" "Azure SQL" "https://database.windows.net/" Some("https://database.usgovcloudapi.net/"), Some("https://database.chinacloudapi.cn/");
    "storage" "Storage" "https://storage.azure.com" Some("https://storage.azure.com"), Some("https://storage.azure.com");
    "synapse" "Synapse" "https://dev.azuresynapse.net" None, None;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scope::Scopes;

    #[test]
    fn names_are_sorted_and_each_address_is_a_scope() {
        assert!(RESOURCES.windows(2).all(|pair| pair[0].name < pair[1].name));
        for resource in RESOURCES {
            for cloud in Cloud::ALL {
                if let Some(address) = resource.address(cloud) {
                    assert!(Scopes::of_resource(address).is_ok(), "{} in {cloud}", resource.name);
                }
            }
        }
    }

    #[test]
    fn sql_keeps_the_slash_that_its_audience_has() {
        let sql = named("SQL").unwrap().address(Cloud::Public).unwrap();
        assert_eq!(Scopes::of_resource(sql).unwrap().to_string(), "https://database.windows.net//.default");
    }

    #[test]
    fn an_unknown_cloud_address_is_none_rather_than_a_guess() {
        assert_eq!(named("devops").unwrap().address(Cloud::China), None);
        assert_eq!(named("nothing"), None);
    }
}
