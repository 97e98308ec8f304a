"""Every kind of pack and its model: those of `model`, and those with a file of their own."""

from __future__ import annotations

from tariff.packs.contract_model import ContractPack, ContractTermsPack
from tariff.packs.model import PACK_MODELS, Pack
from tariff.packs.policy_model import MarginalRatePack, ReadmissionsPack

PACK_KINDS: dict[str, type[Pack]] = {
    **PACK_MODELS,
    "contract": ContractPack,
    "contract_terms": ContractTermsPack,
    "readmissions": ReadmissionsPack,
    "marginal_rate": MarginalRatePack,
}
