//! The tables of the dump, and which of them hold rows.

/// Structure of CiviCRM 5.81 with one custom-data table, as MySQL 5.7 prints it: names, types and keys only.
const SCHEMA: &str = include_str!("schema-5.81.sql");

/// The name and the CREATE TABLE statement of every table, in the order of a dump.
pub fn create_statements() -> impl Iterator<Item = (&'static str, &'static str)> {
    SCHEMA.split_terminator("\n\n").filter_map(|statement| {
        let name = statement
            .strip_prefix("CREATE TABLE `")?
            .split('`')
            .next()?;
        Some((name, statement.trim_end()))
    })
}

/// How the rows of a table come about. The templates are those of [`crate::rows`].
pub enum Rows {
    /// One row of each template.
    Once(&'static [&'static str]),
    /// So many rows for a hundred contacts, of each template in turn.
    PerHundredContacts(u64, &'static [&'static str]),
}
use Rows::{Once, PerHundredContacts};

/// A table that holds rows; all others are empty.
pub struct Table {
    pub name: &'static str,
    pub rows: Rows,
    /// How many successive rows belong together.
    pub unit: u64,
}

const fn table(name: &'static str, rows: Rows) -> Table {
    Table {
        name,
        rows,
        unit: 1,
    }
}

const fn pairs(name: &'static str, rows: Rows) -> Table {
    Table {
        name,
        rows,
        unit: 2,
    }
}

#[rustfmt::skip]
pub const TABLES: &[Table] = &[
    table("civicrm_activity", PerHundredContacts(300, &[
        "{id},NULL,{number:50},'{words:6}','{datetime}',{number:120},NULL,NULL,NULL,'<p>{prose:500}</p>',{number:3},2,NULL,0,NULL,0,NULL,1,NULL,NULL,0,NULL,NULL,NULL,0,'{datetime}','{datetime}'",
        "{id},NULL,{number:50},'{words:3} \\\"{words:2}\\\"','{datetime}',NULL,'{words:2}',NULL,'{phone}',NULL,{number:3},2,{any:civicrm_activity},0,NULL,0,NULL,1,NULL,NULL,{pick:0|0|0|1},NULL,{number:5},NULL,0,'{datetime}','{datetime}'",
    ])),
    pairs("civicrm_activity_contact", PerHundredContacts(600, &[
        "{id},{unit},{any:civicrm_contact},2",
        "{id},{unit},{any:civicrm_contact},3",
    ])),
    table("civicrm_address", PerHundredContacts(100, &[
        "{id},{each:civicrm_contact},{number:4},1,0,'{number:400} {words:1} Street',{number:400},NULL,NULL,'{words:1}','St',NULL,{pick:NULL|NULL|'#7'|'Apt \\\"C\\\"'},NULL,NULL,NULL,'{pick:München|Kraków|São Paulo|Springfield|Coeur d\\'Alene|Санкт-Петербург|東京}',NULL,{any:civicrm_state_province},NULL,'{number:99999}',NULL,{any:civicrm_country},{degrees},-{degrees},0,NULL,NULL,NULL",
    ])),
    table("civicrm_case", PerHundredContacts(5, &[
        "{id},{any:civicrm_case_type},'{words:5}','{date}',{pick:NULL|'2024-02-29'},'{prose:200}',{number:3},0,'{datetime}','{datetime}'",
    ])),
    table("civicrm_case_activity", PerHundredContacts(10, &["{id},{any:civicrm_case},{any:civicrm_activity}"])),
    table("civicrm_case_contact", PerHundredContacts(5, &["{id},{id},{any:civicrm_contact}"])),
    table("civicrm_case_type", Once(&[
        "{id},'food_parcel','Food parcel','Weekly parcel for a household',1,0,1,NULL",
        "{id},'language_help','Language help','Somebody to talk to',1,0,2,{blob:120}",
    ])),
    table("civicrm_contact", PerHundredContacts(100, &[
        "{id},'Organization',NULL,'{words:2} e.V.','{words:2} e.V.',NULL,NULL,NULL,NULL,0,0,0,0,0,0,NULL,'{words:2}',NULL,'{words:3}',NULL,NULL,NULL,'{hash}',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,3,NULL,'{words:2}',NULL,NULL,NULL,0,NULL,NULL,{any:civicrm_contact},NULL,NULL,NULL,0,'{datetime}','{datetime}','Both'",
        "{id},'Individual','M-{id}','{first} {last}',NULL,NULL,'{first}',NULL,'{last}',0,0,0,0,0,0,NULL,'{last}, {first}',NULL,NULL,NULL,'\u{1}1\u{1}','en_US','{hash}',NULL,'{words:3}',NULL,NULL,NULL,1,1,NULL,'Dear {first}',1,NULL,'Dear {first}',1,NULL,'{first} {last}',NULL,{number:2},'{date}',0,NULL,NULL,NULL,NULL,NULL,{any:civicrm_contact},0,'{datetime}','{datetime}','Both'",
        "{id},'Individual',NULL,'{first} {last}',NULL,NULL,'{first}','{pick:A.|B.|É.}','{last}',0,1,0,0,0,{pick:0|0|1},NULL,'{last}, {first}','{words:1}',NULL,'https://example.org/portraits/{hash}.png',NULL,'de_DE','{hash}',NULL,NULL,{number:4},NULL,NULL,1,1,NULL,'Dear {first}',1,NULL,'Dear {first}',1,NULL,'{first} {last}','{words:2}',{number:2},'{date}',{pick:0|0|0|1},NULL,NULL,NULL,NULL,NULL,NULL,0,'{datetime}','{datetime}','Both'",
        "{id},'Household',NULL,'{last} family',NULL,NULL,NULL,NULL,NULL,0,0,0,0,1,0,NULL,'{last} family',NULL,NULL,NULL,NULL,NULL,'{hash}',NULL,NULL,NULL,NULL,NULL,NULL,5,NULL,'Dear {last} family',5,NULL,'Dear {last} family',2,NULL,'{last} family',NULL,NULL,NULL,0,NULL,'{last} family',NULL,NULL,NULL,NULL,{pick:0|0|0|1},'{datetime}','{datetime}','Both'",
    ])),
    table("civicrm_contact_type", Once(&[
        "{id},'Individual','Individual',NULL,NULL,'fa-user',NULL,1,1",
        "{id},'Household','Household',NULL,NULL,'fa-home',NULL,1,1",
        "{id},'Organization','Organization',NULL,NULL,'fa-building',NULL,1,1",
        "{id},'Volunteer','Volunteer','Gives us her or his time',NULL,NULL,1,1,0",
    ])),
    table("civicrm_contribution", PerHundredContacts(100, &[
        "{id},{each:civicrm_contact},{any:civicrm_financial_type},NULL,{number:5},'{datetime}',0.00,{amount},0.00,{amount},'trxn-{id}','{hash}',NULL,'EUR',NULL,NULL,'{datetime}',NULL,'{words:4}',NULL,NULL,0,0,1,NULL,NULL,NULL,NULL,0.00,NULL,0",
        "{id},{any:civicrm_contact},{any:civicrm_financial_type},NULL,4,'{datetime}',0.00,{amount},NULL,NULL,NULL,NULL,NULL,'USD','{datetime}','{words:7}',NULL,NULL,NULL,NULL,NULL,0,0,3,{any:civicrm_address},'{number:9999}',NULL,NULL,0.00,NULL,0",
    ])),
    table("civicrm_country", Once(&[
        "{id},'Côte d\\'Ivoire','CI','225',NULL,NULL,NULL,2,0,1",
        "{id},'Germany','DE','49',NULL,'00','0',1,0,1",
        "{id},'Poland','PL','48',NULL,'00','0',1,0,1",
    ])),
    table("civicrm_custom_field", Once(&[
        "{id},1,'Skills','Skills','String','Text',NULL,0,1,0,1,NULL,NULL,NULL,1,0,NULL,255,NULL,NULL,NULL,NULL,60,4,'skills_1',NULL,0,NULL,0,NULL,'set_null'",
        "{id},1,'Available_from','Available from','Date','Select Date',NULL,0,1,1,2,NULL,NULL,NULL,1,0,NULL,NULL,5,5,'yy-mm-dd',NULL,60,4,'available_from_2',NULL,0,NULL,0,NULL,'set_null'",
        "{id},1,'Hours_a_week','Hours a week','Int','Text',NULL,0,1,1,3,NULL,NULL,NULL,1,0,NULL,NULL,NULL,NULL,NULL,NULL,60,4,'hours_a_week_3',NULL,0,NULL,0,NULL,'set_null'",
    ])),
    table("civicrm_custom_group", Once(&[
        "{id},'Volunteering','Volunteering','Individual',NULL,NULL,'Inline',0,NULL,NULL,1,1,'civicrm_value_volunteering_1',0,NULL,NULL,0,1,'2019-03-01 09:30:00',0,1,NULL",
    ])),
    table("civicrm_domain", Once(&["{id},'Neighbours\\' Table',NULL,'{release}',1,NULL,NULL"])),
    table("civicrm_email", PerHundredContacts(110, &[
        "{id},{owner},1,'{words:1}.{id}@example.org',1,0,0,0,NULL,NULL,NULL,NULL",
        "{id},{owner},2,'{words:1}.{id}@example.com',1,0,{pick:0|0|0|1},{pick:0|1},NULL,NULL,NULL,NULL",
        "{id},{owner},1,'{words:1}+{id}@example.net',0,0,0,0,'{datetime}',NULL,'{words:4}\\n-- \\n{words:3}','<p>{words:5}</p>'",
    ])),
    table("civicrm_file", PerHundredContacts(5, &[
        "{id},NULL,'image/png','{words:1}_{hash}.png',{blob:3000},'{words:3}','{datetime}',{any:civicrm_contact}",
        "{id},NULL,'application/pdf','{words:1}_{hash}.pdf',NULL,NULL,'{datetime}',NULL",
    ])),
    table("civicrm_financial_type", Once(&[
        "{id},'Donation','Donation','Gifts without anything in return',1,0,1",
        "{id},'Member dues','Member dues',NULL,1,0,1",
        "{id},'Event fee','Event fee',NULL,0,0,1",
    ])),
    table("civicrm_im", PerHundredContacts(10, &["{id},{each:civicrm_contact},1,'{words:1}_{id}',{number:5},1,0"])),
    table("civicrm_line_item", PerHundredContacts(100, &[
        "{id},'civicrm_contribution',{id},{id},NULL,'{words:2}',1.00,{amount},{amount},NULL,NULL,{any:civicrm_financial_type},0.00,0.00,NULL",
    ])),
    table("civicrm_location_type", Once(&[
        "{id},'Home','Home','HOME','Where they live',0,1,1",
        "{id},'Work','Work','WORK','Where they work',0,1,0",
        "{id},'Main','Main',NULL,NULL,0,1,0",
        "{id},'Other','Other',NULL,NULL,0,1,0",
    ])),
    table("civicrm_log", PerHundredContacts(200, &[
        "{id},'civicrm_contact',{each:civicrm_contact},'civicrm_contact,{each:civicrm_contact}',{any:civicrm_contact},'{datetime}'",
        "{id},'civicrm_activity',{any:civicrm_activity},'{words:8}',{any:civicrm_contact},'{datetime}'",
    ])),
    table("civicrm_note", PerHundredContacts(70, &[
        "{id},'civicrm_contact',{any:civicrm_contact},'{prose:600}',{any:civicrm_contact},'{datetime}','{datetime}','{datetime}','{words:4}','0'",
        "{id},'civicrm_contribution',{any:civicrm_contribution},'{prose:60}',NULL,'{datetime}','{datetime}','{datetime}',NULL,'0'",
    ])),
    table("civicrm_option_group", Once(&[
        "{id},'preferred_communication_method','Preferred communication method',NULL,NULL,1,1,0,'name,label,description'",
        "{id},'gender','Gender',NULL,'Integer',1,1,0,'name,label,description'",
    ])),
    table("civicrm_option_value", Once(&[
        "{id},1,'Phone','1','Phone',NULL,0,0,1,NULL,0,0,1,NULL,NULL,NULL,NULL,NULL",
        "{id},1,'E-mail','2','Email',NULL,0,0,2,NULL,0,0,1,NULL,NULL,NULL,NULL,NULL",
        "{id},2,'Female','1','Female',NULL,0,0,1,NULL,0,0,1,NULL,NULL,NULL,NULL,NULL",
        "{id},2,'Male','2','Male',NULL,0,0,2,NULL,0,0,1,NULL,NULL,NULL,NULL,NULL",
    ])),
    table("civicrm_phone", PerHundredContacts(80, &[
        "{id},{each:civicrm_contact},1,1,0,NULL,'{phone}',NULL,'{phone_digits}',{number:2}",
    ])),
    table("civicrm_relationship", PerHundredContacts(50, &[
        "{id},{party_a},{party_b},1,NULL,NULL,1,NULL,0,0,NULL,'{datetime}','{datetime}'",
        "{id},{party_a},{party_b},2,'2015-09-01','2016-08-31',0,'{words:4}',1,2,NULL,'{datetime}','{datetime}'",
    ])),
    pairs("civicrm_relationship_cache", PerHundredContacts(100, &[
        "{id},{unit},1,'a_b',{party_a},'Neighbour of',{party_b},'Neighbour of',1,NULL,NULL,NULL",
        "{id},{unit},1,'b_a',{party_b},'Neighbour of',{party_a},'Neighbour of',1,NULL,NULL,NULL",
        "{id},{unit},2,'a_b',{party_a},'Mentee of',{party_b},'Mentor of',0,'2015-09-01','2016-08-31',NULL",
        "{id},{unit},2,'b_a',{party_b},'Mentor of',{party_a},'Mentee of',0,'2015-09-01','2016-08-31',NULL",
    ])),
    table("civicrm_relationship_type", Once(&[
        "{id},'Neighbour of','Neighbour of','Neighbour of','Neighbour of',NULL,NULL,NULL,NULL,NULL,0,1",
        "{id},'Mentee of','Mentee of','Mentor of','Mentor of','For a school year','Individual','Individual',NULL,NULL,0,1",
    ])),
    table("civicrm_setting", Once(&[
        "{id},'installed','i:1;',1,NULL,1,NULL,'2019-03-01 09:00:00',NULL",
        "{id},'lcMessages','s:5:\\\"en_US\\\";',1,NULL,1,NULL,'2019-03-01 09:00:00',NULL",
        "{id},'logging','i:0;',1,NULL,1,NULL,'2019-03-01 09:00:00',NULL",
    ])),
    table("civicrm_state_province", Once(&[
        "{id},'Abidjan','AB',1,1",
        "{id},'Bavaria','BY',2,1",
        "{id},'Małopolskie','12',3,1",
    ])),
    table("civicrm_value_volunteering_1", PerHundredContacts(50, &[
        "{id},{id},'{words:3}','{datetime}',{number:20}",
        "{id},{id},'\u{1}{words:1}\u{1}{words:1}\u{1}',NULL,NULL",
    ])),
    table("civicrm_website", PerHundredContacts(20, &[
        "{id},{each:civicrm_contact},'https://{words:1}.example.org/?q={id}&amp;x=%20',{number:2}",
    ])),
    table("civicrm_worldregion", Once(&["{id},'Europe'", "{id},'Africa'"])),
];
