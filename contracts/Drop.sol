// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {IERC4906} from "@openzeppelin/contracts/interfaces/IERC4906.sol";
import {ERC2981} from "@openzeppelin/contracts/token/common/ERC2981.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {ERC721A} from "erc721a/contracts/ERC721A.sol";
import {IERC721A} from "erc721a/contracts/IERC721A.sol";

/// @title A drop: a limited collection that is minted by its team, by an allowlist, and then by everybody.
/// @notice Ids begin at 1. Nothing can be upgraded; what the owner can still change is said at each function.
/// @dev Every claim reads one slot for the sale and one for the root: that is most of what it costs beyond ERC721A.
contract Drop is ERC721A, ERC2981, Ownable2Step {
    /// @dev Times are seconds since 1970; a sale is open from `start` until just before `end`, so 0 to 0 is never.
    struct Sale {
        uint32 presaleStart;
        uint32 presaleEnd;
        uint32 publicStart;
        uint32 publicEnd;
        uint96 publicPrice; // wei, of each token
        uint16 publicLimit; // tokens that a wallet may mint in the public phase; 0: as many as there are
        bool paused;
    }

    struct Terms {
        string name;
        string symbol;
        uint256 maxSupply;
        address owner;
        bytes32 provenance; // may be 0 here, and set before the first mint
        string baseURI;
        string contractURI;
        address royaltyReceiver;
        uint96 royaltyBasisPoints;
        address[] payees;
        uint256[] basisPoints; // of all that was ever paid in, for each payee; together 10,000
    }

    uint256 public constant PRESALE = 1; // the phase that a leaf of the allowlist names
    uint256 public constant MOST_ROYALTY = 1_000; // basis points
    uint256 private constant WHOLE = 10_000; // basis points
    /// @dev A transfer looks back for the start of the run of tokens that its token was minted in, a slot at a time.
    uint256 private constant LONGEST_RUN = 20;

    uint256 public immutable maxSupply;
    Sale public sale;
    bytes32 public allowlistRoot;
    bytes32 public provenance;
    bool public frozen;
    string public baseURI;
    string public contractURI;
    uint256 public totalReleased;
    mapping(address payee => uint256) public shareOf; // basis points
    mapping(address payee => uint256) public released;
    address[] private _payees;

    event PresaleSet(bytes32 root, uint32 start, uint32 end);
    event PublicSaleSet(uint32 start, uint32 end, uint96 price, uint16 limit);
    event MintingPaused(bool paused);
    event ProvenanceSet(bytes32 provenance);
    event ContractURIUpdated(); // ERC-7572
    event RoyaltySet(address indexed receiver, uint96 basisPoints); // ERC-2981 has none
    event MetadataFrozen();
    event Withdrawn(address indexed payee, uint256 amount);

    error Closed();
    error Paused();
    error SoldOut();
    error OverLimit();
    error NotOnAllowlist();
    error WrongPayment(uint256 asked);
    error NoProvenance();
    error ProvenanceFixed();
    error Frozen();
    error BadTimes();
    error BadSplit();
    error BadSupply();
    error RoyaltyTooHigh();
    error NothingDue();

    constructor(Terms memory terms) ERC721A(terms.name, terms.symbol) Ownable(terms.owner) {
        if (terms.maxSupply == 0 || terms.maxSupply > type(uint32).max) revert BadSupply();
        maxSupply = terms.maxSupply;
        provenance = terms.provenance;
        baseURI = terms.baseURI;
        contractURI = terms.contractURI;
        _setRoyalty(terms.royaltyReceiver, terms.royaltyBasisPoints);
        _setSplit(terms.payees, terms.basisPoints);
    }

    // Minting

    /// @notice The team's tokens, to anybody, at no price. Only the owner; the sale's times do not matter.
    function teamMint(address to, uint256 quantity) external onlyOwner {
        if (sale.paused) revert Paused();
        _mintRuns(to, quantity);
    }

    /// @notice Mint in the presale. `limit` and `price` are those of the caller's leaf, which `proof` proves.
    function claim(uint256 quantity, uint256 limit, uint256 price, bytes32[] calldata proof) external payable {
        Sale memory now_ = sale;
        _checkOpen(now_.paused, now_.presaleStart, now_.presaleEnd);
        bytes32 leaf = keccak256(abi.encode(block.chainid, address(this), PRESALE, msg.sender, limit, price));
        leaf = keccak256(bytes.concat(leaf));
        if (!MerkleProof.verifyCalldata(proof, allowlistRoot, leaf)) revert NotOnAllowlist();
        _checkPaid(price, quantity);
        uint64 counts = _getAux(msg.sender);
        uint256 claimed = uint32(counts) + quantity;
        if (claimed > limit || claimed > type(uint32).max) revert OverLimit();
        _mintRuns(msg.sender, quantity);
        _setAux(msg.sender, (counts & ~uint64(type(uint32).max)) | uint64(claimed));
    }

    /// @notice Mint in the public phase.
    function mint(uint256 quantity) external payable {
        Sale memory now_ = sale;
        _checkOpen(now_.paused, now_.publicStart, now_.publicEnd);
        _checkPaid(now_.publicPrice, quantity);
        uint64 counts = _getAux(msg.sender);
        uint256 bought = (counts >> 32) + quantity;
        if (bought > (now_.publicLimit == 0 ? type(uint32).max : now_.publicLimit)) revert OverLimit();
        _mintRuns(msg.sender, quantity);
        _setAux(msg.sender, uint64(bought << 32) | uint32(counts));
    }

    function _checkOpen(bool paused, uint256 start, uint256 end) private view {
        if (paused) revert Paused();
        if (block.timestamp < start || block.timestamp >= end) revert Closed();
    }

    function _checkPaid(uint256 price, uint256 quantity) private view {
        uint256 asked = price * quantity;
        if (msg.value != asked) revert WrongPayment(asked);
    }

    function _mintRuns(address to, uint256 quantity) private {
        uint256 minted = _totalMinted();
        if (minted == 0 && provenance == 0) revert NoProvenance();
        if (quantity > maxSupply - minted) revert SoldOut();
        for (; quantity > LONGEST_RUN; quantity -= LONGEST_RUN) _mint(to, LONGEST_RUN);
        _mint(to, quantity);
    }

    // What the owner sets

    /// @notice Times and allowlist of the presale. The root is OpenZeppelin's standard tree over leaves of (uint256
    /// chain id, address contract, uint256 phase, address, uint256 limit, uint256 price), so that no proof serves twice.
    function setPresale(bytes32 root, uint32 start, uint32 end) external onlyOwner {
        if (start > end) revert BadTimes();
        allowlistRoot = root;
        sale.presaleStart = start;
        sale.presaleEnd = end;
        emit PresaleSet(root, start, end);
    }

    function setPublicSale(uint32 start, uint32 end, uint96 price, uint16 limit) external onlyOwner {
        if (start > end) revert BadTimes();
        sale.publicStart = start;
        sale.publicEnd = end;
        sale.publicPrice = price;
        sale.publicLimit = limit;
        emit PublicSaleSet(start, end, price, limit);
    }

    /// @notice Stop minting, in every phase, or let it go on. Transfers cannot be stopped.
    function setPaused(bool paused) external onlyOwner {
        sale.paused = paused;
        emit MintingPaused(paused);
    }

    /// @notice The hash over all images in the order of their numbers. Fixed by the first mint.
    function setProvenance(bytes32 hash) external onlyOwner {
        if (_totalMinted() != 0) revert ProvenanceFixed();
        provenance = hash;
        emit ProvenanceSet(hash);
    }

    /// @notice Reveal: what `tokenURI` joins a token's id to. Until `freeze`.
    function setBaseURI(string calldata uri) external onlyOwner {
        if (frozen) revert Frozen();
        baseURI = uri;
        emit IERC4906.BatchMetadataUpdate(1, type(uint256).max);
    }

    /// @notice From here on no base URI can be set, ever.
    function freeze() external onlyOwner {
        if (frozen) revert Frozen();
        frozen = true;
        emit MetadataFrozen();
    }

    function setContractURI(string calldata uri) external onlyOwner {
        contractURI = uri;
        emit ContractURIUpdated();
    }

    function setRoyalty(address receiver, uint96 basisPoints) external onlyOwner {
        _setRoyalty(receiver, basisPoints);
    }

    function _setRoyalty(address receiver, uint96 basisPoints) private {
        if (basisPoints > MOST_ROYALTY) revert RoyaltyTooHigh();
        _setDefaultRoyalty(receiver, basisPoints);
        emit RoyaltySet(receiver, basisPoints);
    }

    // Money

    /// @notice Pay a payee what is due to it. Anybody may call; the shares are those of the deployment, for ever.
    function withdraw(address payable payee) external {
        uint256 amount = due(payee);
        if (amount == 0) revert NothingDue();
        released[payee] += amount;
        totalReleased += amount;
        emit Withdrawn(payee, amount);
        Address.sendValue(payee, amount);
    }

    /// @notice Wei that `withdraw` would pay.
    function due(address payee) public view returns (uint256) {
        return ((address(this).balance + totalReleased) * shareOf[payee]) / WHOLE - released[payee];
    }

    function payees() external view returns (address[] memory) {
        return _payees;
    }

    function _setSplit(address[] memory payees_, uint256[] memory basisPoints) private {
        if (payees_.length != basisPoints.length) revert BadSplit();
        uint256 sum = 0;
        for (uint256 i = 0; i < payees_.length; ++i) {
            address payee = payees_[i];
            // what is due to this contract itself, whose address can be known before, nobody could ever have
            if (payee == address(0) || payee == address(this)) revert BadSplit();
            if (basisPoints[i] == 0 || shareOf[payee] != 0) revert BadSplit();
            shareOf[payee] = basisPoints[i];
            sum += basisPoints[i];
        }
        if (sum != WHOLE) revert BadSplit();
        _payees = payees_;
    }

    // What can be asked

    /// @notice How many tokens a wallet minted in the presale, and how many in the public phase.
    function mintedBy(address wallet) external view returns (uint256 presale, uint256 public_) {
        uint64 counts = _getAux(wallet);
        return (uint32(counts), counts >> 32);
    }

    /// @notice How many tokens the team minted to a wallet: what `teamMint` still has to do is known from the chain.
    function teamMinted(address wallet) external view returns (uint256) {
        uint64 counts = _getAux(wallet);
        return _numberMinted(wallet) - uint32(counts) - (counts >> 32);
    }

    function totalMinted() external view returns (uint256) {
        return _totalMinted();
    }

    function supportsInterface(bytes4 id) public view override(ERC721A, ERC2981) returns (bool) {
        return ERC721A.supportsInterface(id) || ERC2981.supportsInterface(id) || id == 0x49064906; // ERC-4906
    }

    function _startTokenId() internal pure override returns (uint256) {
        return 1;
    }

    function _baseURI() internal view override returns (string memory) {
        return baseURI;
    }
}
